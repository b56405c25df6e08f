package main

import (
	_ "embed"
	"html/template"
	"net/http"
)

//go:embed page.html
var pageSource string

// pageHandler serves the chat page, which connects to socketURL.
func pageHandler(socketURL string) http.Handler {
	page := template.Must(template.New("page").Parse(pageSource))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = page.Execute(w, map[string]string{"Socket": socketURL}) // the browser is gone if this fails
	})
}
