// Verifies a webhook's signature. Go 1.19 or newer; only the standard library.
//
// Give Verify the body exactly as it came: before any JSON is read.
//
//	func webhook(w http.ResponseWriter, r *http.Request) {
//		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
//		if err != nil || !Verify(secrets, r.Header, body, time.Now()) {
//			w.WriteHeader(http.StatusUnauthorized)
//			return
//		}
//		...
//		w.WriteHeader(http.StatusNoContent)
//	}
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const tolerance = 5 * time.Minute

// Verify says whether one of the whsec_ secrets signed this request within the last five minutes.
// Two secrets are valid while one replaces the other: pass both.
func Verify(secrets []string, headers http.Header, body []byte, now time.Time) bool {
	timestamp := headers.Get("webhook-timestamp")
	if !isRecent(timestamp, now) {
		return false
	}
	signed := append([]byte(headers.Get("webhook-id")+"."+timestamp+"."), body...)
	// The header may hold several signatures, with blanks between: one for each secret that is live.
	for _, received := range strings.Fields(headers.Get("webhook-signature")) {
		for _, secret := range secrets {
			key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
			if err != nil {
				continue
			}
			expected := "v1," + base64.StdEncoding.EncodeToString(sum(key, signed))
			if hmac.Equal([]byte(received), []byte(expected)) {
				return true
			}
		}
	}
	return false
}

// VerifyOriginal does the same for a subscription that signs in the original platform's way. host is your host
// in lower case without a port, path the path of your URL without the query.
func VerifyOriginal(secrets []string, headers http.Header, body []byte, host, path string, now time.Time) bool {
	timestamp := headers.Get("x-webhook-timestamp")
	if !isRecent(timestamp, now) {
		return false
	}
	digest := sha256.Sum256(body)
	lines := strings.Join([]string{
		"POST",
		fmt.Sprintf("%d:%s", len(host), host),
		fmt.Sprintf("%d:%s", len(path), path),
		hex.EncodeToString(digest[:]),
		timestamp,
		headers.Get("x-webhook-request-id"),
	}, "\n")
	received := []byte(headers.Get("x-webhook-signature"))
	for _, secret := range secrets {
		// Here the text behind whsec_ is the key as it stands; it is not decoded.
		key := []byte(strings.TrimPrefix(secret, "whsec_"))
		if hmac.Equal(received, []byte(hex.EncodeToString(sum(key, []byte(lines))))) {
			return true
		}
	}
	return false
}

func sum(key, signed []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(signed)
	return mac.Sum(nil)
}

func isRecent(timestamp string, now time.Time) bool {
	seconds, err := strconv.ParseUint(timestamp, 10, 40)
	if err != nil {
		return false
	}
	age := now.Sub(time.Unix(int64(seconds), 0))
	return age.Abs() <= tolerance
}
