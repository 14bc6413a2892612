// The views: what they answer, and what a request that cannot be is told.

package feedsim_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/feedsim"
)

func TestEachViewAnswersInTheExercisesWords(t *testing.T) {
	app := newApp(t, feedsim.AppConfig{})
	for path, want := range map[string]string{
		"/":                      `^{"Title": "Concurrency is hard, let's go shopping!"}$`,
		"/hash_me":               `^{"uuid4": "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"}$`,
		"/check_feed":            `^{"updates": null}$`,
		"/?any=thing&%zz":        `^{"Title": `,
		"/check_feed?updates=no": `^{"updates": null}$`,
	} {
		w := get(app, path, "")
		assert.Equal(t, http.StatusOK, w.Code, path)
		assert.Regexp(t, want, w.Body.String(), path)
	}
}

func TestWhateverIsAnsweredIsJSON(t *testing.T) {
	app := newApp(t, feedsim.AppConfig{Client: direct(newFeed(t, feedsim.FeedConfig{Delay: feedsim.Constant(0), Errors: 1}))})
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/", 200},
		{"HEAD", "/", 200},
		{"GET", "/hash_me", 200},
		{"HEAD", "/stream_feed", 200},
		{"GET", "/check_feed", 500},
		{"GET", "/<script>alert(1)</script>", 404},
		{"GET", "/" + strings.Repeat("x", 5000), 404},
		{"GET", "/check_feed/", 404}, // as in Flask, where the route has no last slash
		{"GET", "//", 404},
		{"POST", "/nothing", 404}, // the path is looked at first
		{"POST", "/check_feed", 405},
		{"BREW", "/", 405},
		{"OPTIONS", "/stream_feed", 200},
	} {
		w := request(app, c.method, c.path, "")
		what := c.method + " " + c.path[:min(len(c.path), 40)]
		assert.Equal(t, c.status, w.Code, what)
		assert.Equal(t, []string{"application/json"}, w.Header()["Content-Type"], what)
		assert.Equal(t, []string{"nosniff"}, w.Header()["X-Content-Type-Options"], what)
		if c.status >= 400 {
			assert.Regexp(t, `^{"error":".+"}\n$`, w.Body.String(), what)
			assert.Less(t, w.Body.Len(), 500, "%s: a long path is cut short", what)
			assert.NotContains(t, w.Body.String(), "<script>", what)
		}
		if c.status == 405 || c.method == "OPTIONS" {
			assert.Equal(t, "GET, HEAD, OPTIONS", w.Header().Get("Allow"), what)
		}
	}
}

func TestAUUIDIsOfItsSeedAndRequest(t *testing.T) {
	uuid := func(seed uint64, name string) string {
		return get(newApp(t, feedsim.AppConfig{Seed: seed}), "/hash_me", name).Body.String()
	}
	assert.Equal(t, uuid(1, "a"), uuid(1, "a"), "the same seed and request")
	assert.NotEqual(t, uuid(1, "a"), uuid(1, "b"), "another request")
	assert.NotEqual(t, uuid(1, "a"), uuid(2, "a"), "another seed")

	newApp, err := feedsim.Instances(feedsim.AppConfig{Feed: feedURL})
	require.NoError(t, err)
	one, other := newApp(), newApp()
	assert.Equal(t, get(one, "/hash_me", "a").Body, get(other, "/hash_me", "a").Body, "a named request, whichever worker has it")
	seen := map[string]bool{}
	for range 3 {
		for _, app := range []http.Handler{one, other} {
			seen[get(app, "/hash_me", "").Body.String()] = true
		}
	}
	assert.Len(t, seen, 6, "requests without a name, of two workers, are all drawn apart")
}

func TestABadAppConfigIsAnErrorThatNamesTheField(t *testing.T) {
	for _, c := range []struct {
		cfg  feedsim.AppConfig
		want string
	}{
		{feedsim.AppConfig{}, `feedsim: AppConfig.Feed is "": want the feed's URL, such as http://127.0.0.1:5300/`},
		{feedsim.AppConfig{Feed: "localhost:5300"}, `feedsim: AppConfig.Feed is "localhost:5300": want the feed's URL`},
		{feedsim.AppConfig{Feed: "http://a b/"}, `feedsim: AppConfig.Feed is "http://a b/": not a URL`},
		{feedsim.AppConfig{Feed: "http://"}, `feedsim: AppConfig.Feed is "http://": want`},
		{feedsim.AppConfig{Feed: "ftp://feed/"}, `feedsim: AppConfig.Feed is "ftp://feed/": want`},
		{feedsim.AppConfig{Feed: feedURL, FeedTimeout: -1}, "feedsim: AppConfig.FeedTimeout is -1ns: want 0 (wait for ever) or more"},
		{feedsim.AppConfig{Feed: feedURL, MaxPolls: -2}, "feedsim: AppConfig.MaxPolls is -2: want 0 (no limit) or more"},
	} {
		_, err := feedsim.NewApp(c.cfg)
		assert.ErrorContains(t, err, c.want)
		_, err = feedsim.Instances(c.cfg)
		assert.ErrorContains(t, err, c.want)
	}
}
