package runtime

import (
	"bytes"
	"os"
	"strconv"
)

// maxTree bounds how many processes of a tree are counted.
const maxTree = 256

// memoryOf returns the resident bytes of a process and its descendants, and how many of them are not shared with a file.
func memoryOf(pid int) (all, own int64) {
	pids := []int{pid}
	for i := 0; i < len(pids) && i < maxTree; i++ {
		resident, shared := statm(pids[i])
		all += resident
		own += resident - shared
		pids = appendChildren(pids, pids[i])
	}
	return all, own
}

// statm returns zeros for a process that has ended.
func statm(pid int) (resident, shared int64) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0, 0
	}
	fields := bytes.Fields(data)
	if len(fields) < 3 {
		return 0, 0
	}
	page := int64(os.Getpagesize())
	resident, _ = strconv.ParseInt(string(fields[1]), 10, 64)
	shared, _ = strconv.ParseInt(string(fields[2]), 10, 64)
	return resident * page, shared * page
}

func appendChildren(pids []int, pid int) []int {
	dir := "/proc/" + strconv.Itoa(pid) + "/task/"
	threads, err := os.ReadDir(dir)
	if err != nil {
		return pids
	}
	for _, t := range threads {
		list, err := os.ReadFile(dir + t.Name() + "/children")
		if err != nil {
			continue
		}
		for _, field := range bytes.Fields(list) {
			if n, err := strconv.Atoi(string(field)); err == nil {
				pids = append(pids, n)
			}
		}
	}
	return pids
}
