// What a check costs.

package crosstalk_test

import (
	"net/http"
	"testing"

	"example.com/outagelab/lab/crosstalk"
)

func BenchmarkCheck(b *testing.B) {
	for name, h := range map[string]func() http.Handler{
		"naps":   func() http.Handler { return &session{} },
		"locked": func() http.Handler { return &locked{} },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				crosstalk.Check(&recorder{TB: b}, h, byQuery)
			}
		})
	}
}
