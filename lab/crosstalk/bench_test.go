// What a check costs.

package crosstalk_test

import (
	"io"
	"net/http"
	"testing"
	"time"
)

func BenchmarkCheck(b *testing.B) {
	dirty, clean := shows(func(w http.ResponseWriter, user string) { _, _ = io.WriteString(w, user) })
	for _, h := range []struct {
		name string
		app  func() http.HandlerFunc
	}{
		{"dirty", dirty},
		{"clean", clean},
		{"plain", func() http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, user(r)) }
		}},
		{"locked", locked("", func() { time.Sleep(time.Millisecond) }).clean},
		{"stream", func() http.HandlerFunc { return stream(5, itsOwn) }},
	} {
		b.Run(h.name, func(b *testing.B) {
			for b.Loop() {
				saysOf(app(h.app), inQuery)
			}
		})
	}
}
