package function

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/sockgate/sockgate"
)

// EnvironmentKeys is the name that stands for the keys in the gateway's own environment instead of a profile.
const EnvironmentKeys = "env"

// ProfileKeys returns the keys for calls of a Remote: those of AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN when name is
// EnvironmentKeys (none, which leaves calls unsigned, when the environment has none), else those of a profile in the shared credentials file (AWS_SHARED_CREDENTIALS_FILE, or ~/.aws/credentials), which is
// read for each call, so that keys can be replaced while the gateway runs. Profiles that take roles, single sign-on or a program are
// not built: the profile must hold keys.
// Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files".
func ProfileKeys(name string) func(context.Context) (sockgate.Credentials, error) {
	if name == EnvironmentKeys {
		return func(context.Context) (sockgate.Credentials, error) {
			keys := sockgate.Credentials{
				AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: os.Getenv("AWS_SESSION_TOKEN"),
			}
			if keys.AccessKeyID == "" && keys.SecretAccessKey == "" {
				return sockgate.Credentials{}, nil // local servers that stand in for Lambda take calls without a signature
			}
			return complete(keys, "the environment")
		}
	}
	return func(context.Context) (sockgate.Credentials, error) {
		file := os.Getenv("AWS_SHARED_CREDENTIALS_FILE")
		if file == "" {
			home, err := os.UserHomeDir()
			if err != nil {
				return sockgate.Credentials{}, err
			}
			file = filepath.Join(home, ".aws", "credentials")
		}
		keys, err := readProfile(file, name)
		if err != nil {
			return sockgate.Credentials{}, err
		}
		return complete(keys, fmt.Sprintf("profile %q in %s", name, file))
	}
}

func complete(keys sockgate.Credentials, from string) (sockgate.Credentials, error) {
	if keys.AccessKeyID == "" || keys.SecretAccessKey == "" {
		return keys, fmt.Errorf("%s has no aws_access_key_id and aws_secret_access_key", from)
	}
	return keys, nil
}

// readProfile returns the keys in one section of a credentials file; those that are not there are empty.
func readProfile(file, name string) (keys sockgate.Credentials, err error) {
	f, err := os.Open(file)
	if err != nil {
		return keys, err
	}
	defer f.Close()
	members := map[string]*string{
		"aws_access_key_id": &keys.AccessKeyID, "aws_secret_access_key": &keys.SecretAccessKey, "aws_session_token": &keys.SessionToken,
	}
	inside := false
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if section, ok := strings.CutPrefix(line, "["); ok {
			section, _, _ = strings.Cut(section, "]")
			inside = strings.TrimSpace(section) == name
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if member := members[strings.ToLower(strings.TrimSpace(key))]; inside && ok && member != nil {
			*member = strings.TrimSpace(value)
		}
	}
	return keys, lines.Err()
}
