package logs

import "time"

// Retain is one pass of the loop that removes old segments.
func (s *Store) Retain(now time.Time) error {
	for _, sh := range s.shards {
		if err := sh.retain(now); err != nil {
			return err
		}
	}
	return nil
}
