package gns_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gogns/gns"
	"github.com/stretchr/testify/require"
)

// source is a CertificateSource that does what the test says, and notes when it is asked.
type source struct {
	start time.Time

	mu    sync.Mutex
	asked []time.Duration // since the start
	next  func(ctx context.Context, request []byte) ([]byte, error)
}

func (s *source) Certificate(ctx context.Context, request []byte) ([]byte, error) {
	s.mu.Lock()
	s.asked = append(s.asked, time.Since(s.start))
	next := s.next
	s.mu.Unlock()
	return next(ctx, request)
}

func (s *source) does(next func(context.Context, []byte) ([]byte, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = next
}

func (s *source) times() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func newSource(next func(context.Context, []byte) ([]byte, error)) *source {
	return &source{start: time.Now(), next: next}
}

func embeddedCA(t *testing.T, lifetime time.Duration) *gns.EmbeddedCA {
	t.Helper()
	ca, err := gns.NewEmbeddedCA(lifetime)
	require.NoError(t, err)
	return ca
}

// told returns what the status callback was told since the last call, and checks that the last of it is
// what AuthenticationStatus says.
func told(t *testing.T, s *gns.Sockets, all *[]string) []string {
	t.Helper()
	synctest.Wait()
	s.RunCallbacks()
	got := *all
	*all = nil
	if len(got) > 0 {
		status, text := s.AuthenticationStatus()
		require.Equal(t, fmt.Sprintf("%d %s", status, text), got[len(got)-1])
	}
	return got
}

// The certificate comes, is used, and is renewed when two thirds of its time are over.
func TestCertificateIsRenewed(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		src := newSource(embeddedCA(t, time.Hour).Certificate)
		s := w.open(w.machine(), gns.Options{Identity: alice, CertificateSource: src})
		all := statuses(s)
		status, _ := s.AuthenticationStatus()
		require.Equal(t, gns.AvailabilityNeverTried, status)

		require.Equal(t, gns.AvailabilityWaiting, s.InitAuthentication())
		require.Equal(t, []string{"2 about to ask for a certificate", "3 asking for a certificate", "100 OK"}, told(t, s, all))
		require.Equal(t, gns.AvailabilityCurrent, s.InitAuthentication(), "once is enough")
		time.Sleep(10 * time.Hour)
		require.Empty(t, told(t, s, all), "it has been good all the time")
		for i, at := range src.times() {
			from, to := time.Duration(i)*36*time.Minute, time.Duration(i)*40*time.Minute
			require.True(t, from <= at && at <= to, "certificate %d after %v", i, at)
		}
		require.Greater(t, len(src.times()), 14)
	})
}

// A source that fails is asked again, less and less often, and so it is while there is a certificate that is good
// still. The status says what is the matter.
func TestCertificateSourceFails(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		ca := embeddedCA(t, time.Hour)
		down := func(context.Context, []byte) ([]byte, error) { return nil, errors.New("the cellar is flooded") }
		src := newSource(down)
		s := w.open(w.machine(), gns.Options{Identity: alice, CertificateSource: src})
		all := statuses(s)
		s.InitAuthentication()
		got := told(t, s, all)
		require.Len(t, got, 3)
		require.Regexp(t, `^-10 attempt 1 to get a certificate failed: the cellar is flooded; next attempt in (900ms|1s)$`, got[2], "Retrying")

		time.Sleep(time.Hour)
		got = told(t, s, all)
		require.Regexp(t, `^-10 attempt 2 `, got[0])
		require.Regexp(t, `^-10 attempt 3 `, got[1])
		require.Regexp(t, `^-101 attempt 4 `, got[2], "Failed")
		require.Len(t, src.times(), len(got)+1)
		for i := 1; i < len(src.times()); i++ {
			pause := min(time.Second<<min(i-1, 6), time.Minute)
			require.InDelta(t, pause*95/100, src.times()[i]-src.times()[i-1], float64(pause/18), "before attempt %d", i+1)
		}

		src.does(ca.Certificate)
		time.Sleep(time.Minute)
		require.Equal(t, []string{"100 OK"}, told(t, s, all))

		src.does(down)
		time.Sleep(50 * time.Minute)
		got = told(t, s, all)
		require.Regexp(t, `^100 OK until 2000-01-01T\d\d:\d\d:\d\dZ, but attempt 1 to get a certificate failed: the cellar`, got[0])
		time.Sleep(15 * time.Minute)
		got = told(t, s, all)
		require.Regexp(t, `^-100 attempt \d+ to get`, got[len(got)-1], "Previously")
		expired := -1
		for i, text := range got {
			if expired < 0 && text[0] == '-' {
				expired = i
			}
			require.Equal(t, expired >= 0, text[:4] == "-100", text)
		}
		require.Regexp(t, `^-100 certificate expired at 2000`, got[expired])

		src.does(ca.Certificate)
		time.Sleep(time.Minute)
		require.Equal(t, []string{"100 OK"}, told(t, s, all))
	})
}

// refusal is an error of a source that knows more than that it failed.
type refusal struct {
	permanent bool
	after     time.Duration
}

func (refusal) Error() string               { return "not you" }
func (r refusal) Permanent() bool           { return r.permanent }
func (r refusal) RetryAfter() time.Duration { return r.after }

func TestCertificateSourceRefuses(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		refuse := func(r refusal) func(context.Context, []byte) ([]byte, error) {
			return func(context.Context, []byte) ([]byte, error) { return nil, fmt.Errorf("asking: %w", r) }
		}
		src := newSource(refuse(refusal{after: 7 * time.Minute}))
		s := w.open(w.machine(), gns.Options{Identity: alice, CertificateSource: src})
		all := statuses(s)
		s.InitAuthentication()
		got := told(t, s, all)
		require.Equal(t, "-10 attempt 1 to get a certificate failed: asking: not you; next attempt in 7m0s", got[2])

		src.does(refuse(refusal{permanent: true}))
		time.Sleep(24 * time.Hour)
		require.Equal(t, []string{"-101 attempt 2 to get a certificate failed: asking: not you; InitAuthentication tries again"}, told(t, s, all))
		require.Equal(t, []time.Duration{0, 7 * time.Minute}, src.times())

		src.does(embeddedCA(t, time.Hour).Certificate)
		require.Equal(t, gns.AvailabilityWaiting, s.InitAuthentication())
		require.Equal(t, "100 OK", told(t, s, all)[2])
	})
}

// What the source returns may be of no use.
func TestCertificateOfNoUse(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		for _, test := range []struct {
			what string
			app  uint32
			next func(context.Context, []byte) ([]byte, error)
			text string
		}{
			{"garbage", 0, func(context.Context, []byte) ([]byte, error) { return []byte{0xff}, nil }, "parse"},
			{"for another app", 480, embeddedCA(t, time.Hour).Certificate, "app id"},
			{"for another key", 0, func() func(context.Context, []byte) ([]byte, error) {
				other := w.open(w.machine(), gns.Options{Identity: alice})
				request, err := other.CertificateRequest()
				require.NoError(t, err)
				ca := embeddedCA(t, time.Hour)
				return func(ctx context.Context, _ []byte) ([]byte, error) { return ca.Certificate(ctx, request) }
			}(), "private key"},
		} {
			s := w.open(w.machine(), gns.Options{Identity: alice, AppID: test.app, CertificateSource: newSource(test.next)})
			s.InitAuthentication()
			synctest.Wait()
			status, text := s.AuthenticationStatus()
			require.Equal(t, gns.AvailabilityRetrying, status, test.what)
			require.Contains(t, text, "certificate is of no use", test.what)
			require.Contains(t, text, test.text, test.what)
		}
	})
}

func TestAuthenticateWaits(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		m := w.machine()
		nothing := w.open(m, gns.Options{Identity: alice})
		require.ErrorIs(t, nothing.Authenticate(w.ctx), gns.ErrInvalidState)
		require.ErrorContains(t, nothing.Authenticate(w.ctx), "no certificate authority")

		ca := embeddedCA(t, time.Hour)
		slow := w.open(m, gns.Options{Identity: alice, CertificateSource: newSource(func(ctx context.Context, request []byte) ([]byte, error) {
			select {
			case <-time.After(3 * time.Second):
				return ca.Certificate(ctx, request)
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		})})
		short, cancel := context.WithTimeout(w.ctx, time.Second)
		defer cancel()
		err := slow.Authenticate(short)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "asking for a certificate")
		require.NoError(t, slow.Authenticate(w.ctx))
		require.NoError(t, slow.Authenticate(w.ctx), "again, at once")

		refusing := w.open(m, gns.Options{CertificateSource: newSource(func(context.Context, []byte) ([]byte, error) {
			return nil, refusal{permanent: true}
		})})
		require.ErrorIs(t, refusing.Authenticate(w.ctx), gns.ErrInvalidState)
		require.ErrorContains(t, refusing.Authenticate(w.ctx), "not you")

		// An identity that is reset, or a Sockets that is closed, stops what is being done for it.
		stuck := newSource(func(ctx context.Context, _ []byte) ([]byte, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		closing := w.open(m, gns.Options{Identity: alice, CertificateSource: stuck})
		closing.InitAuthentication()
		synctest.Wait()
		require.NoError(t, closing.ResetIdentity(gns.GenericString("bob")))
		status, _ := closing.AuthenticationStatus()
		require.Equal(t, gns.AvailabilityNeverTried, status)
		closing.InitAuthentication()
		synctest.Wait()
		require.Len(t, stuck.times(), 2)
		failed := make(chan error)
		go func() { failed <- closing.Authenticate(w.ctx) }()
		synctest.Wait()
		require.NoError(t, closing.Close())
		require.ErrorIs(t, <-failed, gns.ErrInvalidState)
		status, text := closing.AuthenticationStatus()
		require.Equal(t, gns.AvailabilityUnknown, status)
		require.Equal(t, "closed", text)
		require.Equal(t, gns.AvailabilityUnknown, closing.InitAuthentication())
		require.ErrorIs(t, closing.SetCertificate(nil), gns.ErrInvalidState)
	})
}

// A certificate that nobody renews expires, whoever looks or not.
func TestSetCertificateExpires(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		s := w.open(w.machine(), gns.Options{Identity: alice})
		all := statuses(s)
		request, err := s.CertificateRequest()
		require.NoError(t, err)
		signed, err := embeddedCA(t, time.Minute).Certificate(w.ctx, request)
		require.NoError(t, err)
		require.NoError(t, s.SetCertificate(signed))
		require.Equal(t, []string{"100 OK"}, told(t, s, all))
		time.Sleep(59 * time.Second)
		require.Empty(t, told(t, s, all))
		time.Sleep(time.Second)
		require.Equal(t, []string{"-100 certificate expired at 2000-01-01T00:01:00Z"}, told(t, s, all))
		require.Equal(t, gns.AvailabilityPreviously, s.InitAuthentication())
	})
}

// The status tells if this side would not trust its own certificate, since its peers may be no wiser.
func TestStatusKnowsOwnTrust(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		ca, other := embeddedCA(t, time.Hour), embeddedCA(t, time.Hour)
		for _, test := range []struct {
			trusted []ed25519.PublicKey
			want    string
		}{
			{ca.TrustedCAs(), `^OK$`},
			{other.TrustedCAs(), `^OK, for peers that trust what this side does not: .*authority`},
		} {
			s := w.open(w.machine(), gns.Options{Identity: alice, TrustedCAs: test.trusted, CertificateSource: ca})
			require.NoError(t, s.Authenticate(w.ctx))
			_, text := s.AuthenticationStatus()
			require.Regexp(t, test.want, text)
		}
	})
}

func TestEmbeddedCA(t *testing.T) {
	t.Parallel()
	_, err := gns.NewEmbeddedCA(time.Millisecond)
	require.ErrorIs(t, err, gns.ErrInvalidParam)
	ca := embeddedCA(t, 0)
	_, err = ca.Certificate(context.Background(), []byte{0xff})
	require.ErrorIs(t, err, gns.ErrInvalidParam)
	nobody := newSockets(t, nil)
	request, err := nobody.CertificateRequest()
	require.NoError(t, err)
	_, err = ca.Certificate(context.Background(), request)
	require.ErrorIs(t, err, gns.ErrInvalidParam, "for no identity in particular")
}
