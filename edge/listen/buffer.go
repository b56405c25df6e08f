package listen

// Sizes of pooled memory, in bytes.
const (
	headSize  = 4 << 10  // first size of a head's buffer: most heads and their small bodies arrive in one read of it
	bodySize  = 16 << 10 // first size of a body's buffer; it grows as bytes arrive, not as they are announced
	replySize = 1 << 10  // first size of a reply's buffer
	keepSize  = 64 << 10 // what has grown beyond is left to the garbage collector
)

// buffer holds what was read from a connection and not used yet: data[r:w].
type buffer struct {
	data []byte // len is the capacity
	r, w int
}

func (b *buffer) unread() []byte { return b.data[b.r:b.w] }

// space makes room behind the unread bytes, which it may move.
func (b *buffer) space() []byte {
	switch {
	case b.w < len(b.data):
	case b.r > 0:
		b.w = copy(b.data, b.unread())
		b.r = 0
	default:
		b.data = append(b.data, make([]byte, len(b.data))...)
	}
	return b.data[b.w:]
}

// unreadFront puts p before the unread bytes.
func (b *buffer) unreadFront(p []byte) {
	if b.r >= len(p) {
		b.r -= len(p)
		copy(b.data[b.r:], p)
		return
	}
	joined := append(append(make([]byte, 0, max(headSize, len(p)+b.w-b.r)), p...), b.unread()...)
	b.r, b.w, b.data = 0, len(joined), joined[:cap(joined)]
}

func (s *Server) takeBuffer() *buffer {
	if b, ok := s.buffers.Get().(*buffer); ok {
		return b
	}
	return &buffer{data: make([]byte, headSize)}
}

func (s *Server) giveBuffer(b *buffer) {
	b.r, b.w = 0, 0
	if len(b.data) <= keepSize {
		s.buffers.Put(b)
	}
}

func (s *Server) takeBody() *[]byte {
	if b, ok := s.bodies.Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, 0, bodySize)
	return &b
}

// giveBody keeps bodies of any size that Exchange.Body is asked for in practice: 128 KiB and what growing adds.
func (s *Server) giveBody(b *[]byte) {
	if *b = (*b)[:0]; cap(*b) <= 4*keepSize {
		s.bodies.Put(b)
	}
}

func (s *Server) takeReply() *[]byte {
	if b, ok := s.replies.Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, 0, replySize)
	return &b
}

func (s *Server) giveReply(b *[]byte) {
	if *b = (*b)[:0]; cap(*b) <= keepSize {
		s.replies.Put(b)
	}
}
