// A page whose template calls functions.

package fixed

import (
	"html/template"
	"net/http"
	"time"

	"example.com/outagelab/pocserver/worker"
)

// TemplateFunc answers with a page that has the news, and a greeting for who the
// session cookie says is asking.
func TemplateFunc(_ http.RoundTripper) http.Handler {
	unset := func() string { return "" }
	page := template.New("page").Funcs(template.FuncMap{"news": unset, "user": unset})
	return &templatePage{template.Must(page.Parse("<p>{{news}}</p><p>Hello, {{user}}</p>"))}
}

type templatePage struct{ page *template.Template }

func (p *templatePage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	page := template.Must(p.page.Clone())
	page.Funcs(template.FuncMap{
		"news": func() string {
			worker.Await(r.Context(), 20*time.Millisecond) // from the database
			return "There is no news."
		},
		"user": func() string {
			if cookie, err := r.Cookie("session"); err == nil {
				return "user of session " + cookie.Value
			}
			return "guest"
		},
	})
	_ = page.Execute(w, nil)
}
