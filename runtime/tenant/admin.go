package tenant

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	tokenFile = "admin-token"        // the token, where there was no terminal to show it on
	hashFile  = "admin-token.sha256" // its hash, where there was: what was shown stays valid
	minToken  = 24                   // of a token that an operator chose
)

// loadAdmin returns the hash of the admin token: of the configured file, else of
// the one in the data directory, else of a new one.
func (t *Tenants) loadAdmin() (sum [sha256.Size]byte, err error) {
	if t.cfg.AdminTokenFile != "" {
		return readToken(t.cfg.AdminTokenFile)
	}
	sum, err = readToken(filepath.Join(t.cfg.DataDir, tokenFile))
	if !errors.Is(err, fs.ErrNotExist) {
		return sum, err
	}
	sum, err = readHash(filepath.Join(t.cfg.DataDir, hashFile))
	if !errors.Is(err, fs.ErrNotExist) {
		return sum, err
	}
	return t.makeAdmin()
}

func (t *Tenants) makeAdmin() ([sha256.Size]byte, error) {
	token, sum := generate(Prefix)
	if t.cfg.Terminal == nil {
		path := filepath.Join(t.cfg.DataDir, tokenFile)
		if err := writeNew(path, token+"\n"); err != nil {
			return sum, fmt.Errorf("write admin token: %w", err)
		}
		t.cfg.Logger.Info("admin token was made", "path", path)
		return sum, nil
	}
	path := filepath.Join(t.cfg.DataDir, hashFile)
	_, err := fmt.Fprintf(t.cfg.Terminal, "\nAdmin token, shown this once:\n\n    %s\n\nShould it be lost: remove %s and start again.\n\n", token, path)
	if err != nil {
		return sum, fmt.Errorf("show admin token: %w", err)
	}
	// After it was shown: a token that nobody saw must not be the valid one.
	if err := writeNew(path, hex.EncodeToString(sum[:])+"\n"); err != nil {
		return sum, fmt.Errorf("write hash of admin token: %w", err)
	}
	return sum, nil
}

func readToken(path string) (sum [sha256.Size]byte, err error) {
	text, err := readShort(path)
	if err != nil {
		return sum, fmt.Errorf("read admin token: %w", err)
	}
	if !strings.HasPrefix(text, Prefix) || len(text) < minToken || len(text) > maxToken || strings.ContainsAny(text, " \t\r\n") {
		return sum, fmt.Errorf("read admin token: %s must hold one token: %s and %d or more letters or digits", path, Prefix, minToken-len(Prefix))
	}
	return sha256.Sum256([]byte(text)), nil
}

func readHash(path string) (sum [sha256.Size]byte, err error) {
	text, err := readShort(path)
	if err != nil {
		return sum, fmt.Errorf("read hash of admin token: %w", err)
	}
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(sum) {
		return sum, fmt.Errorf("read hash of admin token: %s is damaged; remove it and start again for a new token", path)
	}
	return [sha256.Size]byte(b), nil
}

func readShort(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(b)), nil
}

// writeNew makes a file that only this user can read, whole or not at all.
func writeNew(path, text string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, werr := f.WriteString(text)
	if err := errors.Join(werr, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
