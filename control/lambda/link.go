package lambda

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// LinkPath is where Links must be served; what follows it is a zip's SHA-256.
const LinkPath = "/_sockgate/code/"

// linkLife is how long a link to code works. Source: GetFunction, "Code".
const linkLife = 10 * time.Minute

// link returns a URL from which a zip can be downloaded for ten minutes, without credentials, as GetFunction and GetLayerVersion
// give one.
func (s *Service) link(sum string) string {
	base := ""
	if s.Endpoint != nil {
		base = s.Endpoint()
	}
	expires := strconv.FormatInt(s.Clock().Add(linkLife).Unix(), 10)
	return base + LinkPath + sum + "?" + url.Values{"Expires": {expires}, "Signature": {s.signLink(sum, expires)}}.Encode()
}

func (s *Service) signLink(sum, expires string) string {
	mac := hmac.New(sha256.New, s.linkKey)
	mac.Write([]byte(sum + " " + expires))
	return hex.EncodeToString(mac.Sum(nil))
}

// Links serves the zips that GetFunction and GetLayerVersion link to. It is to be mounted at LinkPath.
func (s *Service) Links() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sum := strings.TrimPrefix(r.URL.Path, LinkPath)
		q := r.URL.Query()
		expires, err := strconv.ParseInt(q.Get("Expires"), 10, 64)
		given := []byte(q.Get("Signature"))
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		case err != nil, !hmac.Equal(given, []byte(s.signLink(sum, q.Get("Expires")))), s.Clock().Unix() > expires:
			http.Error(w, "the link is not valid or has expired; GetFunction gives another", http.StatusForbidden)
		default:
			zip, err := s.Functions.Code.Zip(sum)
			if err != nil {
				http.Error(w, "the code is no longer stored", http.StatusNotFound)
				return
			}
			w.Header().Set("Content-Type", "application/zip")
			w.Header().Set("Content-Length", strconv.Itoa(len(zip)))
			_, _ = w.Write(zip) // the client may have gone
		}
	})
}
