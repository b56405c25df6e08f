// Package rootkey finds the access key of the root user: the one that is configured, or one that is generated at first start
// and kept in the data directory. It knows nothing of other users and verifies nothing.
package rootkey

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/sockgate/sockgate"
)

// FileName is the credentials file's name in the data directory. It has the form of the AWS CLI's file, so
// AWS_SHARED_CREDENTIALS_FILE can point at it.
const FileName = "credentials"

// Lengths of a generated pair, as AWS makes them.
const (
	idPrefix     = "AKIA"
	idLetters    = 16 // after the prefix, of A-Z and 2-7
	secretLength = 40
	maxFile      = 64 << 10 // bytes
)

// Key is the root user's access key. It does not show its secret when it is printed or logged.
type Key struct {
	ID, Secret string
	File       string // where the key is kept; empty when it was configured
	Generated  bool   // the file was made by this call
	Warning    string // something that the operator should be told, or empty
}

// String names the key without its secret.
func (k Key) String() string { return "access key " + k.ID }

// GoString is String.
func (k Key) GoString() string { return k.String() }

// LogValue is String.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// Load returns the key given by id and secret or, when both are empty, the one in dir/credentials. If that file does not exist
// it is written with a new key, readable only by its owner; dir is created when missing.
//
// The caller holds dir alone: two processes that call Load for one new directory at the same time may disagree.
// Errors: Invalid for a damaged file or half a key, Unavailable when the file cannot be read or written.
func Load(dir, id, secret string) (Key, error) {
	switch {
	case id != "" && secret != "":
		return Key{ID: id, Secret: secret}, nil
	case id != "" || secret != "":
		return Key{}, sockgate.Invalidf("The root access key needs both an id and a secret")
	}
	path := filepath.Join(dir, FileName)
	key, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		key, err = generate(dir, path)
	}
	if err == nil {
		return key, nil
	}
	if _, told := errors.AsType[*sockgate.Error](err); told {
		return Key{}, err
	}
	return Key{}, sockgate.Unavailablef("The root credentials cannot be used").Because(err)
}

// Read returns the key in dir/credentials, and writes nothing. Errors: one that wraps fs.ErrNotExist where there is no file.
func Read(dir string) (Key, error) { return read(filepath.Join(dir, FileName)) }

func read(path string) (Key, error) {
	f, err := os.Open(path)
	if err != nil {
		return Key{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Key{}, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return Key{}, err
	}
	key, err := parse(text)
	if err != nil {
		return Key{}, sockgate.Invalidf("%s: %v; correct it, or remove the file to have a new key generated", path, err)
	}
	key.File = path
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		key.Warning = fmt.Sprintf("%s can be read by others (mode %04o); run: chmod 600 %s", path, mode, path)
	}
	return key, nil
}

// parse reads the profile "default" of a credentials file. Other profiles and keys are left alone, as operators add their own.
func parse(text []byte) (Key, error) {
	if len(text) > maxFile {
		return Key{}, fmt.Errorf("the file is over %d bytes", maxFile)
	}
	values := map[string]string{}
	found, inside := false, false
	number := 0
	for line := range bytes.Lines(text) {
		number++
		l := strings.TrimSpace(string(line))
		if l == "" || l[0] == '#' || l[0] == ';' {
			continue
		}
		if l[0] == '[' {
			inside = l == "[default]"
			found = found || inside
			continue
		}
		name, value, ok := strings.Cut(l, "=")
		if !ok {
			// The line itself may be secret.
			return Key{}, fmt.Errorf("line %d is neither [profile] nor name = value", number)
		}
		if !inside {
			continue
		}
		name = strings.TrimSpace(name)
		if _, twice := values[name]; twice {
			return Key{}, fmt.Errorf("line %d sets %s again", number, name)
		}
		values[name] = strings.TrimSpace(value)
	}
	if !found {
		return Key{}, errors.New("there is no profile [default]")
	}
	key := Key{ID: values["aws_access_key_id"], Secret: values["aws_secret_access_key"]}
	switch {
	case key.ID == "":
		return Key{}, errors.New("aws_access_key_id is missing in the profile [default]")
	case key.Secret == "":
		return Key{}, errors.New("aws_secret_access_key is missing in the profile [default]")
	case strings.ContainsFunc(key.ID, notPlain):
		return Key{}, errors.New("aws_access_key_id holds a character that no key has")
	case strings.ContainsFunc(key.Secret, notPlain):
		return Key{}, errors.New("aws_secret_access_key holds a character that no key has")
	}
	return key, nil
}

func notPlain(r rune) bool { return r <= ' ' || r > '~' || r == '"' }

func generate(dir, path string) (Key, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Key{}, err
	}
	key := Key{
		// rand.Text has 26 letters of base32's alphabet, A-Z and 2-7.
		ID:        idPrefix + rand.Text()[:idLetters],
		Secret:    newSecret(),
		File:      path,
		Generated: true,
	}
	text := fmt.Sprintf("[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", key.ID, key.Secret)
	if err := write(dir, path, text); err != nil {
		return Key{}, err
	}
	return key, nil
}

func newSecret() string {
	random := make([]byte, secretLength*3/4) // 30 bytes are 40 characters of base64, without padding
	_, _ = rand.Read(random)                 // never fails: it ends the process instead
	return base64.StdEncoding.EncodeToString(random)
}

// write makes the file appear whole or not at all, also after a loss of power.
func write(dir, path, text string) error {
	f, err := os.CreateTemp(dir, FileName+".new-*") // with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once the file has its name
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
