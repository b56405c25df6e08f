package elbv2

// Operations returns the operations that AWS has, and whether each is built. One that is not is refused by name.
func Operations() map[string]bool {
	all := map[string]bool{}
	for _, name := range notBuilt {
		all[name] = false
	}
	for name := range operations {
		all[name] = true
	}
	return all
}
