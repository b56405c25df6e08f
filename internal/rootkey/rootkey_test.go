package rootkey_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/internal/rootkey"
)

func TestConfiguredKeyWins(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	key, err := rootkey.Load(dir, "AKIAX", "s")
	if err != nil || key != (rootkey.Key{ID: "AKIAX", Secret: "s"}) {
		t.Errorf("got %+v, %v", key.ID, err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a file was made although the key is configured")
	}
	for _, half := range [][2]string{{"AKIAX", ""}, {"", "s"}} {
		if _, err := rootkey.Load(dir, half[0], half[1]); sockgate.KindOf(err) != sockgate.Invalid {
			t.Errorf("%q: %v", half, err)
		}
	}
}

func TestGeneratedOnceAndReadAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "data")
	first, err := rootkey.Load(dir, "", "")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "credentials")
	if !first.Generated || first.File != path || first.Warning != "" {
		t.Errorf("got %v, generated %v, file %s, warning %s", first, first.Generated, first.File, first.Warning)
	}
	if !regexp.MustCompile(`^AKIA[A-Z2-7]{16}$`).MatchString(first.ID) || !regexp.MustCompile(`^[A-Za-z0-9+/]{40}$`).MatchString(first.Secret) {
		t.Errorf("id %q and a secret of %d characters have not the form of AWS's", first.ID, len(first.Secret))
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("file: %v, %v", info.Mode(), err)
	}
	text, err := os.ReadFile(path)
	want := "[default]\naws_access_key_id = " + first.ID + "\naws_secret_access_key = " + first.Secret + "\n"
	if err != nil || string(text) != want {
		t.Errorf("file holds %q, %v", text, err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("left over: %v", left)
	}

	second, err := rootkey.Load(dir, "", "")
	if err != nil || second.ID != first.ID || second.Secret != first.Secret || second.Generated {
		t.Errorf("second start: %v, %v", second, err)
	}
	other, err := rootkey.Load(t.TempDir(), "", "")
	if err != nil || other.ID == first.ID || other.Secret == first.Secret {
		t.Errorf("another directory: %v, %v", other, err)
	}
}

func TestFileForms(t *testing.T) {
	const pair = "aws_access_key_id=AKIAX\naws_secret_access_key=hush=/+\n"
	for _, tt := range []struct {
		name, text string
		fault      string // part of the error; empty for a good file
	}{
		{"plain", "[default]\n" + pair, ""},
		{"comments, spaces and CRLF", "# mine\r\n[default]\r\n  aws_access_key_id =  AKIAX \r\n;x\r\n\taws_secret_access_key\t= hush=/+\r\n", ""},
		{"other profiles and keys", "[a]\naws_access_key_id = B\n[default]\nregion = x\n" + pair + "[c]\naws_secret_access_key = d\n", ""},
		{"empty", "", "there is no profile [default]"},
		{"other profile only", "[x]\n" + pair, "there is no profile [default]"},
		{"no profile", pair, "there is no profile [default]"},
		{"no id", "[default]\naws_secret_access_key=hush", "aws_access_key_id is missing"},
		{"no secret", "[default]\naws_access_key_id=AKIAX\naws_secret_access_key=", "aws_secret_access_key is missing"},
		{"not a setting", "[default]\n" + pair + "hush hush", "line 4 is neither"},
		{"set again", "[default]\n" + pair + pair, "line 4 sets aws_access_key_id again"},
		{"quotes", "[default]\naws_access_key_id=AKIAX\naws_secret_access_key=\"hush\"", "aws_secret_access_key holds a character"},
		{"binary", "[default]\naws_access_key_id=\x00\naws_secret_access_key=hush", "aws_access_key_id holds a character"},
		{"too large", "[default]\n" + pair + strings.Repeat("# filler\n", 8000), "the file is over 65536 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, rootkey.FileName), []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			key, err := rootkey.Load(dir, "", "")
			if tt.fault == "" {
				if err != nil || key.ID != "AKIAX" || key.Secret != "hush=/+" {
					t.Errorf("got %v, %v", key, err)
				}
				return
			}
			if sockgate.KindOf(err) != sockgate.Invalid || !strings.Contains(err.Error(), tt.fault) || strings.Contains(err.Error(), "hush") {
				t.Errorf("got %v, want %q and no secret", err, tt.fault)
			}
		})
	}
}

func TestWidePermissionsWarn(t *testing.T) {
	dir := t.TempDir()
	key, err := rootkey.Load(dir, "", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(key.File, 0o640); err != nil {
		t.Fatal(err)
	}
	again, err := rootkey.Load(dir, "", "")
	if err != nil || !strings.Contains(again.Warning, "mode 0640") || strings.Contains(again.Warning, key.Secret) {
		t.Errorf("warning %q, %v", again.Warning, err)
	}
}

func TestUnusableDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := rootkey.Load(file, "", ""); sockgate.KindOf(err) != sockgate.Unavailable {
		t.Errorf("got %v", err)
	}
}

func TestKeyDoesNotShowItsSecret(t *testing.T) {
	key := rootkey.Key{ID: "AKIAX", Secret: "hush"}
	if text := fmt.Sprintf("%v %+v %#v %s %v", key, key, key, key, key.LogValue()); strings.Contains(text, "hush") {
		t.Error(text)
	}
}

func FuzzFile(f *testing.F) {
	f.Add([]byte("[default]\naws_access_key_id = AKIAX\naws_secret_access_key = s\n"))
	f.Add([]byte("[default]\n=\n"))
	f.Add([]byte("[default"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(filepath.Join(dir, rootkey.FileName), text, 0o600); err != nil {
			t.Fatal(err)
		}
		key, err := rootkey.Load(dir, "", "")
		if (err == nil) != (key.ID != "" && key.Secret != "") {
			t.Errorf("key %v, error %v", key, err)
		}
	})
}
