package main

import (
	"fmt"
	"net"

	"github.com/valyala/fasthttp"
)

// runBackend answers /message with the request's body and everything else with nothing. It serves until it is killed.
func runBackend() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return fasthttp.Serve(l, func(ctx *fasthttp.RequestCtx) {
		if string(ctx.Path()) == "/message" {
			ctx.SetBody(ctx.PostBody())
		}
	})
}
