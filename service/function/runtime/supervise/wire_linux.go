package supervise

import (
	"encoding/json"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The program and its supervisor exchange JSON messages, one a packet. The output of a process to be started goes along as a
// file descriptor.

const (
	flag       = "--supervise-processes" // the only argument of a supervisor
	socket     = 3                       // its descriptor there
	maxMessage = 160 << 10               // bytes; a function's environment is 4 KB, a command line far less
	sendWait   = 5 * time.Second         // a supervisor that does not read for so long is broken
)

// request asks for a start, or without a Path for a kill.
type request struct {
	ID                 uint64
	Path, Dir, Mark    string   `json:",omitempty"`
	Args, Env          []string `json:",omitempty"`
	FileSize, NumFiles uint64   `json:",omitempty"`

	output *os.File
}

// event says that a process was started, that it could not be, or that it ended.
type event struct {
	ID     uint64
	PID    int    `json:",omitempty"` // started
	Error  string `json:",omitempty"` // not started
	Code   int    `json:",omitempty"` // otherwise: ended
	Signal int    `json:",omitempty"`
}

func send(c *net.UnixConn, message any, oob []byte) error {
	packet, err := json.Marshal(message)
	if err != nil {
		return err
	}
	if len(packet) > maxMessage {
		return unix.EMSGSIZE
	}
	if err := c.SetWriteDeadline(time.Now().Add(sendWait)); err != nil {
		return err
	}
	_, _, err = c.WriteMsgUnix(packet, oob, nil)
	return err
}

// receive reads one message into v and returns the file that came with it, if any.
func receive(c *net.UnixConn, buffer []byte, v any) (*os.File, error) {
	oob := make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := c.ReadMsgUnix(buffer, oob)
	if err != nil {
		return nil, err
	}
	var file *os.File
	if messages, err := unix.ParseSocketControlMessage(oob[:oobn]); err == nil && len(messages) == 1 {
		if fds, err := unix.ParseUnixRights(&messages[0]); err == nil && len(fds) == 1 {
			syscall.CloseOnExec(fds[0])
			file = os.NewFile(uintptr(fds[0]), "output")
		}
	}
	if n == 0 {
		err = net.ErrClosed
	} else {
		err = json.Unmarshal(buffer[:n], v)
	}
	if err != nil && file != nil {
		file.Close()
		file = nil
	}
	return file, err
}
