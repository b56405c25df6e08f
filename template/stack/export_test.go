package stack

// OwnedBy makes the options those of another process.
func (o Options) OwnedBy(owner string) Options {
	o.owner = owner
	return o
}
