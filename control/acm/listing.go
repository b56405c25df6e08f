package acm

// Operations returns the operations that AWS has, and whether each is built. One that is not is refused by name.
func Operations() map[string]bool {
	all := map[string]bool{}
	for name, run := range operations {
		all[name] = run != nil
	}
	return all
}
