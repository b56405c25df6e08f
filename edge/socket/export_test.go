package socket

// Parkings returns how often a connection has been parked, so that a test can wait for the next time.
func (l *Lot) Parkings() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}
