package apigateway

// Operations returns the operations that AWS has, and whether each is built. One that is not is refused by name.
func Operations() map[string]bool {
	all := map[string]bool{}
	for _, op := range operations() {
		all[op.name] = op.handle != nil
	}
	return all
}
