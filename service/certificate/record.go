package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/state/store"
)

// Record is a certificate as it is kept.
type Record struct {
	ID       string // a UUID; the last part of the ARN
	Imported bool   // or else requested
	Status   Status
	Created  time.Time // when it was requested, or imported first
	Issued   time.Time // when it was issued first; zero until then
	Replaced time.Time // when it was last imported or renewed
	Tags     []Tag     `json:",omitempty"`
	Opaque   bool      `json:",omitempty"` // certificate transparency logging was turned off: told, without a meaning here

	Leaf   string `json:",omitempty"` // PEM
	Chain  string `json:",omitempty"` // PEM: those that sign it, in order; may be empty
	Sealed []byte `json:",omitempty"` // the private key

	Request *Request `json:",omitempty"` // nil for an imported one
	Failure string   `json:",omitempty"` // ACM's FailureReason of a failed one
	Renewal *Renewal `json:",omitempty"` // nil until a renewal was due
	// What was last tried to issue or renew it.
	Attempts int       `json:",omitempty"` // since it last went well
	NextTry  time.Time // not before; zero is now
}

// Tag is a tag. One without a value is another than one with an empty value.
type Tag struct {
	Key   string
	Value *string `json:",omitempty"`
}

// Request is what a certificate was asked for.
type Request struct {
	Domain     string            // as it was asked for
	Names      []string          // Domain and the others, in lower case, without repetitions
	Validation string            // "DNS", "EMAIL" or "HTTP": told back only, since the authority decides
	Domains    map[string]string `json:",omitempty"` // of names: the domain that mails would go to
	Algorithm  string            // "RSA_2048", "EC_prime256v1" or "EC_secp384r1"
	Local      bool              // issued by the gateway's own authority
	Token      string            `json:",omitempty"` // of idempotency
	TokenSum   string            `json:",omitempty"` // of the parameters that came with Token
	Secret     string            // what the proposed DNS records are made from
}

// Renewal is how the last renewal went.
type Renewal struct {
	Status  string // ACM's RenewalStatus
	Reason  string `json:",omitempty"`
	Updated time.Time
}

// The state store's keys.
const (
	recordPrefix  = "certificate.record."
	checkKey      = "certificate.seal"
	storagePrefix = "certificate.acme."
	lockPrefix    = "certificate.lock."
)

// StatusAt returns the state as ACM tells it: an issued certificate expires.
func (r *Record) StatusAt(now time.Time) Status {
	if leaf := r.Certificate(); r.Status == Issued && leaf != nil && now.After(leaf.NotAfter) {
		return Expired
	}
	return r.Status
}

// Certificate parses the leaf. It returns nil while there is none.
func (r *Record) Certificate() *x509.Certificate {
	block, _ := pem.Decode([]byte(r.Leaf))
	if block == nil {
		return nil
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil
	}
	return leaf
}

// Names returns the names that it is, or will be, good for, in lower case.
func (r *Record) Names() []string {
	if leaf := r.Certificate(); leaf != nil {
		return namesOf(leaf)
	}
	if r.Request != nil {
		return r.Request.Names
	}
	return nil
}

// Domain returns the certificate's first name, as ACM tells it.
func (r *Record) Domain() string {
	if r.Request != nil {
		return r.Request.Domain
	}
	if leaf := r.Certificate(); leaf != nil {
		if leaf.Subject.CommonName != "" {
			return leaf.Subject.CommonName
		}
		if len(leaf.DNSNames) > 0 {
			return leaf.DNSNames[0]
		}
	}
	return ""
}

// open makes the record's version. Its error says why there is no key; the version is good for all else.
func (s *Service) open(r *Record, revision uint64) (*version, error) {
	v := &version{revision: revision, status: r.Status, names: r.Names()}
	if r.Leaf == "" {
		return v, nil
	}
	key, err := s.seal.open(r.Sealed, recordPrefix+r.ID)
	if err != nil {
		return v, err
	}
	pair := &tls.Certificate{}
	for rest := []byte(r.Leaf + "\n" + r.Chain); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		pair.Certificate = append(pair.Certificate, block.Bytes)
	}
	if pair.PrivateKey, err = x509.ParsePKCS8PrivateKey(key); err != nil {
		return v, errors.New("private key is damaged")
	}
	if pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
		return v, err
	}
	v.tls = pair
	return v, nil
}

func encode(r *Record) ([]byte, error) {
	value, err := json.Marshal(r)
	if err != nil {
		return nil, sockgate.Internalf("encode certificate: %w", err)
	}
	return value, nil
}

func decode(e store.Entry) (*Record, error) {
	r := new(Record)
	if err := json.Unmarshal(e.Value, r); err != nil {
		return nil, sockgate.Internalf("document %q is damaged: %w", e.Key, err)
	}
	return r, nil
}
