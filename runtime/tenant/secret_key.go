package tenant

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// KeysConfig says where the keys are that seal secrets.
type KeysConfig struct {
	File     string   // holds the key; empty: Text, else <DataDir>/secrets.key, made once
	Text     string   // the key itself, of an environment variable
	OldFiles []string // keys that still open what they sealed
	DataDir  string
	// Sealed lists the keys that secrets are sealed with now: a new key is not made
	// where they would be lost.
	Sealed func(ctx context.Context) ([]string, error)
}

// keyFile is where a key is made that nobody gave.
const keyFile = "secrets.key"

// ErrNoKey is wrapped where a secret is sealed with a key that was not given.
var ErrNoKey = errors.New("the key is not given; add its file to secrets.old_key_files")

// Keyring seals with one key and opens with all it has: AES-256-GCM, a fresh nonce
// each, bound to scope, name and version so that no value can be put in another's place.
type Keyring struct {
	current string
	aeads   map[string]cipher.AEAD
}

// OpenKeys reads the keys, and makes the first one. Its errors say which file is
// wrong and never what is in it.
func OpenKeys(ctx context.Context, cfg KeysConfig) (*Keyring, error) {
	k := &Keyring{aeads: map[string]cipher.AEAD{}}
	sealed, err := cfg.Sealed(ctx)
	if err != nil {
		return nil, fmt.Errorf("read which keys seal secrets: %w", err)
	}
	text, from, err := cfg.read(sealed)
	if err != nil {
		return nil, err
	}
	if k.current, err = k.add(text); err != nil {
		return nil, fmt.Errorf("read the key of secrets from %s: %w", from, err)
	}
	for _, path := range cfg.OldFiles {
		text, err := readShort(path)
		if err == nil {
			_, err = k.add(text)
		}
		if err != nil {
			return nil, fmt.Errorf("read an old key of secrets from %s: %w", path, err)
		}
	}
	return k, nil
}

func (cfg KeysConfig) read(sealed []string) (text, from string, err error) {
	switch {
	case cfg.File != "":
		text, err = readShort(cfg.File)
		if err != nil {
			return "", "", fmt.Errorf("read the key of secrets: %w", err)
		}
		return text, cfg.File, nil
	case cfg.Text != "":
		return strings.TrimSpace(cfg.Text), "HADRON_SECRETS_KEY", nil
	}
	path := filepath.Join(cfg.DataDir, keyFile)
	text, err = readShort(path)
	if !errors.Is(err, fs.ErrNotExist) {
		if err != nil {
			err = fmt.Errorf("read the key of secrets: %w", err)
		}
		return text, path, err
	}
	if len(sealed) > 0 {
		return "", "", fmt.Errorf("%s is gone, and secrets are sealed with the key %s that it held; restore it, or give that key with secrets.key_file", path, sealed[0])
	}
	var key [32]byte
	_, _ = rand.Read(key[:]) // ends the process rather than fail
	text = base64.StdEncoding.EncodeToString(key[:])
	if err := writeNew(path, text+"\n"); err != nil {
		return "", "", fmt.Errorf("write the key of secrets: %w", err)
	}
	return text, path, nil
}

var errKey = errors.New("it must be 32 random bytes as base64 or hex, such as openssl rand -base64 32 makes")

func (k *Keyring) add(text string) (id string, err error) {
	key, err := hex.DecodeString(text)
	if err != nil || len(key) != 32 {
		key, err = base64.StdEncoding.DecodeString(text)
	}
	if err != nil || len(key) != 32 {
		return "", errKey
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return "", errKey
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return "", errKey
	}
	sum := sha256.Sum256(append([]byte("hadron secrets key id\x00"), key...))
	id = hex.EncodeToString(sum[:6])
	k.aeads[id] = aead
	return id, nil
}

// Current is the id of the key that seals.
func (k *Keyring) Current() string { return k.current }

// Lacks returns those of the keys that it does not have.
func (k *Keyring) Lacks(ids []string) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return k.aeads[id] != nil })
}

func bound(s Secret) []byte {
	return []byte(string(s.Scope) + "\x00" + s.Name + "\x00" + strconv.Itoa(s.Version))
}

func (k *Keyring) seal(s Secret, value string) ([]byte, error) {
	aead := k.aeads[s.KeyID]
	if aead == nil {
		return nil, fmt.Errorf("key %s: %w", s.KeyID, ErrNoKey)
	}
	nonce := make([]byte, aead.NonceSize())
	_, _ = rand.Read(nonce)
	return aead.Seal(nonce, nonce, []byte(value), bound(s)), nil
}

func (k *Keyring) open(s Secret, sealed []byte) (string, error) {
	aead := k.aeads[s.KeyID]
	if aead == nil {
		return "", fmt.Errorf("key %s: %w", s.KeyID, ErrNoKey)
	}
	n := aead.NonceSize()
	if len(sealed) < n {
		return "", errors.New("what is stored is damaged")
	}
	value, err := aead.Open(nil, sealed[:n], sealed[n:], bound(s))
	if err != nil {
		return "", errors.New("what is stored was changed, or is another's")
	}
	return string(value), nil
}
