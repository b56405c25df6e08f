package browsertest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/sockgate/sockgate/internal/browsertest"
)

func TestPage(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<p id="out">-</p><input id="in" value="old"><button onclick="out.textContent = 'hello ' + document.getElementById('in').value">go</button>`)
	}))
	defer s.Close()
	p := browsertest.Open(t, s.URL)
	p.Await("#out", "-")
	p.Type("#in", "world")
	p.Click("button")
	p.Await("#out", "hello world")
}
