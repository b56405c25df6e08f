// Package browsertest opens pages in a real browser, Chromium without a window, for tests of what people see.
package browsertest

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// patience is how long a page may take to show what is waited for.
const patience = 30 * time.Second

// Page is a page in a browser.
type Page struct {
	t   *testing.T
	ctx context.Context
}

// Open shows a URL in a browser of its own, until the test ends. The test fails when there is no Chromium: Debian's package is chromium.
func Open(t *testing.T, url string) *Page {
	t.Helper()
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			program = path
			break
		}
	}
	if program == "" {
		t.Fatal("there is no Chromium; on Debian: apt-get install chromium")
	}
	profile, err := os.MkdirTemp("", "sockgate-browser-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // the browser's own processes may write for a moment after it has ended
		for range 20 {
			if os.RemoveAll(profile) == nil {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
	})
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program),
		chromedp.NoSandbox, chromedp.UserDataDir(profile)) // its sandbox does not work for root, as which tests may run
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)                         // waits for the browser
	if err := chromedp.Run(ctx); err != nil { // starts the browser, for as long as ctx lives
		t.Fatalf("start %s: %v", program, err)
	}
	p := &Page{t, ctx}
	p.run("open "+url, chromedp.Navigate(url))
	return p
}

// run does one thing in the page.
func (p *Page) run(what string, actions ...chromedp.Action) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		p.t.Fatalf("%s: %v; the page shows: %s", what, err, p.text())
	}
}

func (p *Page) text() string {
	ctx, cancel := context.WithTimeout(p.ctx, 2*time.Second)
	defer cancel()
	var text string
	if err := chromedp.Run(ctx, chromedp.Evaluate("document.body.innerText", &text)); err != nil {
		return "(" + err.Error() + ")"
	}
	return text
}

// Type types text into the element that a CSS selector names, in place of what it holds.
func (p *Page) Type(selector, text string) {
	p.t.Helper()
	p.run("type into "+selector, chromedp.Evaluate("document.querySelector("+strconv.Quote(selector)+").value = ''", nil), chromedp.SendKeys(selector, text, chromedp.ByQuery))
}

// Click clicks the element that a CSS selector names.
func (p *Page) Click(selector string) {
	p.t.Helper()
	p.run("click "+selector, chromedp.Click(selector, chromedp.ByQuery))
}

// Await waits until the element that a CSS selector names shows a text.
func (p *Page) Await(selector, text string) {
	p.t.Helper()
	p.run("wait for "+text+" in "+selector, chromedp.PollFunction(
		`(selector, text) => { const e = document.querySelector(selector); return e !== null && e.innerText.includes(text) }`,
		nil, chromedp.WithPollingArgs(selector, text), chromedp.WithPollingInterval(20*time.Millisecond), chromedp.WithPollingTimeout(patience)))
}
