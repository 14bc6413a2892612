// Invoices, rendered into buffers that are used again.

package broken

import (
	"bytes"
	"net/http"
	"sync"
	"time"

	"example.com/outagelab/pocserver/worker"
)

// PooledBuffer answers with the invoice of who the Authorization header says is
// asking. It renders into buffers from a pool, to leave the garbage collector
// less to do.
func PooledBuffer(_ http.RoundTripper) http.Handler {
	return &pooledBufferPage{buffers: sync.Pool{New: func() any { return new(bytes.Buffer) }}}
}

type pooledBufferPage struct{ buffers sync.Pool }

func (p *pooledBufferPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	invoice := p.render(r.Header.Get("Authorization"))
	worker.Await(r.Context(), 20*time.Millisecond) // the database notes that it was asked for
	_, _ = w.Write(invoice)
}

// render returns the invoice of a customer.
func (p *pooledBufferPage) render(customer string) []byte {
	buf := p.buffers.Get().(*bytes.Buffer)
	defer p.buffers.Put(buf)
	buf.Reset()
	buf.WriteString("Invoice for ")
	buf.WriteString(customer)
	buf.WriteString(": 12.50\n")
	return buf.Bytes()
}
