package access

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bailiwick/problem"
)

var cheap = Params{Time: 1, Memory: 64, Threads: 1}

func TestSecrets(t *testing.T) {
	s, d := newSecret(useKey, keySize)
	if len(s) != 43 {
		t.Errorf("a secret of 256 bits has %d characters", len(s))
	}
	if l, _ := newSecret(useLink, linkSize); len(l) != 22 {
		t.Errorf("a secret of 128 bits has %d characters", len(l))
	}
	if got, ok := parseKey(KeyPrefix + s); !ok || got != d {
		t.Error("a key does not read back")
	}
	if got, ok := parseSecret(useSession, s, sessionSize); !ok || got == d {
		t.Error("a key is as good as a session")
	}
	if other, e := newSecret(useKey, keySize); other == s || e == d {
		t.Error("two secrets are one")
	}
	for _, bad := range []string{"", "bw_", s, KeyPrefix + s + "A", KeyPrefix + s[:42], KeyPrefix + s[:42] + "!", KeyPrefix + s[:42] + "\n", KeyPrefix + s[:42] + "_", strings.ToUpper(KeyPrefix) + s, "Bearer " + KeyPrefix + s} {
		if got, ok := parseKey(bad); ok && got != d && bad != KeyPrefix+s[:42]+"_" || ok && got == d {
			t.Errorf("%q reads as a key", bad)
		}
	}
}

func TestBearer(t *testing.T) {
	for in, want := range map[string]string{"Bearer x": "x", "bearer  x ": "x", "Basic x": "", "Bearer": "", "Bearer ": "", "": "", "x": ""} {
		if got, ok := Bearer(in); got != want || ok != (want != "") {
			t.Errorf("%q: %q %v", in, got, ok)
		}
	}
}

// FuzzSecret holds the readers of tokens to this: what reads has one spelling.
func FuzzSecret(f *testing.F) {
	s, _ := newSecret(useKey, keySize)
	l, _ := newSecret(useLink, linkSize)
	for _, seed := range []string{s, KeyPrefix + s, l, "Bearer " + KeyPrefix + s, "", "bw_", "\x00", s + "="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		for use, n := range map[string]int{useSession: sessionSize, useLink: linkSize} {
			if d, ok := parseSecret(use, in, n); ok {
				b, err := encoding.DecodeString(in)
				if err != nil || len(b) != n || encoding.EncodeToString(b) != in || digestOf(use, b) != d {
					t.Errorf("%q reads as %s, and not as one spelling only", in, use)
				}
			}
		}
		if _, ok := parseKey(in); ok && (!strings.HasPrefix(in, KeyPrefix) || len(in) != 46) {
			t.Errorf("%q reads as a key", in)
		}
		if k, ok := Bearer(in); ok && (k == "" || strings.HasPrefix(k, " ") || !strings.Contains(in, k)) {
			t.Errorf("%q bears %q", in, k)
		}
	})
}

// FuzzHash holds the reader of stored hashes to its bounds.
func FuzzHash(f *testing.F) {
	f.Add(cheap.hash("correct horse battery"))
	f.Add(DefaultParams().hash("x"))
	f.Add("$argon2id$v=19$m=4294967295,t=1,p=1$c2FsdHNhbHQ$aGFzaA")
	f.Fuzz(func(t *testing.T, in string) {
		c, salt, sum, err := parseHash(in)
		if err != nil {
			if problem.CodeOf(err) != problem.Corrupt || strings.Contains(err.Error(), "$") {
				t.Errorf("%v", err)
			}
			return
		}
		if c.Memory > maxMemory || c.Time > maxTime || c.Time == 0 || c.Threads == 0 || len(sum) != hashSize || len(salt) < 8 {
			t.Errorf("%+v", c)
		}
	})
}

func TestCSRF(t *testing.T) {
	a, _ := newSecret(useSession, sessionSize)
	b, _ := newSecret(useSession, sessionSize)
	if err := CheckCSRF(a, CSRF(a)); err != nil {
		t.Error(err)
	}
	for _, c := range [][2]string{{a, CSRF(b)}, {a, ""}, {a, a}, {"", CSRF("")}, {a, CSRF(a) + "x"}} {
		if err := CheckCSRF(c[0], c[1]); problem.CodeOf(err) != problem.Refused || err == nil {
			t.Errorf("%v", err)
		}
	}
	if strings.Contains(CSRF(a), a) {
		t.Error("the form gives the session away")
	}
}

func TestHash(t *testing.T) {
	h := cheap.hash("correct horse battery")
	if !strings.HasPrefix(h, "$argon2id$v=19$m=64,t=1,p=1$") || h == cheap.hash("correct horse battery") {
		t.Errorf("%s", h)
	}
	for pw, want := range map[string]bool{"correct horse battery": true, "correct horse battery ": false, "": false, "Correct horse battery": false} {
		if ok, stale, err := cheap.matches(h, pw); ok != want || stale || err != nil {
			t.Errorf("%q: %v %v %v", pw, ok, stale, err)
		}
	}
	if ok, stale, err := (Params{Time: 2, Memory: 64, Threads: 1}).matches(h, "correct horse battery"); !ok || !stale || err != nil {
		t.Errorf("other costs: %v %v %v", ok, stale, err)
	}
	// One password, typed composed and decomposed.
	if ok, _, err := cheap.matches(cheap.hash("caf\u00e9 caf\u00e9 caf\u00e9"), "cafe\u0301 cafe\u0301 cafe\u0301"); !ok || err != nil {
		t.Errorf("two spellings: %v %v", ok, err)
	}
	for _, bad := range []string{"", "x", h + "$", strings.Replace(h, "argon2id", "argon2i", 1), strings.Replace(h, "v=19", "v=16", 1), strings.Replace(h, "m=64", "m=2000000", 1),
		strings.Replace(h, "t=1", "t=0", 1), strings.Replace(h, "p=1", "p=0", 1), strings.Replace(h, "t=1", "t=01", 1), h[:len(h)-2], h + strings.Repeat("A", 200)} {
		if _, _, err := cheap.matches(bad, "x"); problem.CodeOf(err) != problem.Corrupt {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestCheckPassword(t *testing.T) {
	for pw, want := range map[string]string{
		"correct horse battery":            "",
		"passwort mit \u00e4\u00f6\u00fc!": "",
		"short":                            "fewer than 15",
		"fourteen chars":                   "fewer than 15",
		strings.Repeat("ab", 20):           "repeats",
		strings.Repeat("word ", 300):       "over 1024",
		"\xff\xfe correct horse battery":   "not text",
		"desk-hand-0001-x":                 "login name",
	} {
		err := checkPassword("desk-hand-0001", pw)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v", pw, err)
		}
		if err != nil && strings.Contains(err.Error(), pw) {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

// TestSlots: two hash at a time, a bounded number waits, whoever goes on waiting
// gives up with its context.
func TestSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots()
		release := make(chan struct{})
		running, most := 0, 0
		var mu = make(chan struct{}, 1)
		done := make(chan error, maxWaiting)
		for range maxWaiting {
			go func() {
				done <- s.do(t.Context(), func() {
					mu <- struct{}{}
					running++
					most = max(most, running)
					<-mu
					<-release
					mu <- struct{}{}
					running--
					<-mu
				})
			}()
		}
		synctest.Wait()
		if err := s.do(t.Context(), func() {}); problem.CodeOf(err) != problem.RateLimited {
			t.Errorf("one more: %v", err)
		}
		close(release)
		for range maxWaiting {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if most != maxHashing {
			t.Errorf("%d at a time", most)
		}
		hold := make(chan struct{})
		for range maxHashing {
			go func() { done <- s.do(t.Context(), func() { <-hold }) }()
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.do(ctx, func() {}); problem.CodeOf(err) != problem.Unavailable || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		close(hold)
		for range maxHashing {
			<-done
		}
	})
}

func TestNetwork(t *testing.T) {
	for in, want := range map[string]string{"192.0.2.7": "192.0.2.7/32", "192.0.2.7:443": "192.0.2.7/32", "::ffff:192.0.2.7": "192.0.2.7/32", "[2001:db8::1]:80": "2001:db8::/64",
		"2001:db8::2": "2001:db8::/64", "fe80::1%eth0": "fe80::/64", "": "invalid Prefix", "x": "invalid Prefix"} {
		if got := network(in).String(); got != want {
			t.Errorf("%q: %s", in, got)
		}
	}
}

// TestThrottle walks the throttle through who guesses and who only forgets.
func TestThrottle(t *testing.T) {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	blocked := func(err error) bool {
		if err != nil && problem.CodeOf(err) != problem.RateLimited {
			t.Errorf("%v", err)
		}
		return err != nil
	}
	t.Run("a pair", func(t *testing.T) {
		th, now := newThrottle(), now
		for i := range freeTries {
			if blocked(th.try("a", "192.0.2.1", now)) {
				t.Fatalf("blocked at try %d", i+1)
			}
		}
		if !blocked(th.try("a", "192.0.2.1:555", now)) {
			t.Error("not blocked")
		}
		// A stranger's failures bar nobody else.
		if blocked(th.try("a", "192.0.2.2", now)) || blocked(th.try("b", "192.0.2.1", now)) {
			t.Error("others are blocked")
		}
		waits := []time.Duration{}
		for range 14 {
			w := time.Duration(0)
			for blocked(th.try("a", "192.0.2.1", now.Add(w))) {
				w += time.Second
			}
			waits = append(waits, w)
			now = now.Add(w)
		}
		if waits[0] != firstWait || waits[1] != 2*firstWait || waits[13] != longestWait {
			t.Errorf("%v", waits)
		}
		now = now.Add(forgetAfter)
		for i := range freeTries {
			if blocked(th.try("a", "192.0.2.1", now)) {
				t.Fatalf("not forgotten, at try %d", i+1)
			}
		}
	})
	t.Run("success", func(t *testing.T) {
		th := newThrottle()
		for range 40 {
			if blocked(th.try("a", "192.0.2.1", now)) {
				t.Fatal("who is right is blocked")
			}
			th.succeeded("a", "192.0.2.1", now)
		}
	})
	t.Run("one password on many accounts", func(t *testing.T) {
		th := newThrottle()
		n := 0
		for ; n < 1000 && !blocked(th.try(fmt.Sprint("a", n), "192.0.2.1", now)); n++ {
		}
		if n != addrTries {
			t.Errorf("%d tries", n)
		}
	})
	t.Run("one account from many addresses", func(t *testing.T) {
		th := newThrottle()
		if blocked(th.try("a", "198.51.100.1", now)) {
			t.Fatal("blocked")
		}
		th.succeeded("a", "198.51.100.1", now) // who it is
		for i := range accountTries {
			if blocked(th.try("a", fmt.Sprintf("192.0.2.%d", i), now)) {
				t.Fatal("blocked")
			}
		}
		if blocked(th.try("a", "203.0.113.1", now)) {
			t.Error("a new address has no try at all: strangers can lock out")
		}
		if !blocked(th.try("a", "203.0.113.1", now)) {
			t.Error("a new address has more than one free try")
		}
		for i := range freeTries {
			if blocked(th.try("a", "198.51.100.1", now)) {
				t.Errorf("the known address is blocked at try %d", i+1)
			}
		}
	})
	t.Run("bounded", func(t *testing.T) {
		th := newThrottle()
		for i := range maxTallies + 100 {
			_ = th.try(fmt.Sprint(i), fmt.Sprintf("2001:db8:%x:%x::1", i>>16, i&0xffff), now)
		}
		if len(th.pairs) > maxTallies || len(th.addrs) > maxTallies || len(th.accounts) > maxTallies {
			t.Errorf("%d %d %d", len(th.pairs), len(th.addrs), len(th.accounts))
		}
	})
}

func TestCleanLogin(t *testing.T) {
	for in, want := range map[string]string{"Ada": "ada", " a.b@desk.example ": "a.b@desk.example", "": "!", "a b": "!", "-a": "!", "\u0430da": "!", "a\x00": "!", strings.Repeat("a", 101): "!"} {
		got, ok := cleanLogin(in)
		if ok != (want != "!") || ok && got != want {
			t.Errorf("%q: %q %v", in, got, ok)
		}
	}
}

// BenchmarkHash is what one sign-in costs; two go on at a time.
func BenchmarkHash(b *testing.B) {
	for b.Loop() {
		DefaultParams().hash("correct horse battery")
	}
}
