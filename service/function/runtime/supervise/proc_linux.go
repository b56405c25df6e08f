package supervise

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// children lists the processes whose parent is this one, zombies among them.
func children() []int {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return nil
	}
	var pids []int
	for _, t := range threads {
		list, err := os.ReadFile("/proc/self/task/" + t.Name() + "/children")
		if err != nil {
			return childrenByScan() // a kernel without that file
		}
		for pid := range strings.FieldsSeq(string(list)) {
			if n, err := strconv.Atoi(pid); err == nil {
				pids = append(pids, n)
			}
		}
	}
	return pids
}

func childrenByScan() []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		// "pid (name) state ppid …": the name may hold anything, so count from its end.
		rest := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if len(rest) > 1 && rest[1] == strconv.Itoa(os.Getpid()) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// environ returns the entries that a process was started with; none when they cannot be read.
func environ(pid int) map[string]bool {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		return nil
	}
	entries := map[string]bool{}
	for entry := range strings.SplitSeq(string(data), "\x00") {
		entries[entry] = true
	}
	return entries
}
