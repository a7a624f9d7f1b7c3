// Package marked keeps measured figures in documents: each table lies between two
// marks and is replaced as a whole.
package marked

import (
	"fmt"
	"os"
	"strings"
)

// Replace puts text between <!-- name:begin --> and <!-- name:end --> of a file.
func Replace(path, name, text string) error {
	begin, end := "<!-- "+name+":begin -->\n", "<!-- "+name+":end -->"
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	head, rest, ok1 := strings.Cut(string(data), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		return fmt.Errorf("write figures: %s has lost its marks %q", path, name)
	}
	return os.WriteFile(path, []byte(head+begin+strings.TrimRight(text, "\n")+"\n"+end+tail), 0o644)
}
