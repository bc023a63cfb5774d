// Sends one command and shows what came of it: go run send_command.go STORE EMAIL UNITS
// LOYALTY_API_URL (http://127.0.0.1:8080) and LOYALTY_API_KEY are taken from the environment.
package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"
)

func main() {
	if len(os.Args) != 4 {
		fail("usage: send_command STORE EMAIL UNITS")
	}
	address := os.Getenv("LOYALTY_API_URL")
	if address == "" {
		address = "http://127.0.0.1:8080"
	}
	// Drawn once and sent with every try, so that a command that was done is not done again. Units are text: exact.
	body, err := json.Marshal(map[string]any{"command": map[string]any{
		"type":       "AddUnits",
		"command_id": randomUUID(),
		"member":     "email=" + os.Args[2],
		"units":      os.Args[3],
		"comment":    "welcome",
	}})
	if err != nil {
		fail(err)
	}
	client := &http.Client{Timeout: 30 * time.Second}
	for tries := 1; ; tries++ {
		request, err := http.NewRequest("POST", address+"/api/"+os.Args[1]+"/command", bytes.NewReader(body))
		if err != nil {
			fail(err)
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("X-AUTH-TOKEN", os.Getenv("LOYALTY_API_KEY"))
		answer, err := client.Do(request)
		if err != nil {
			fail(err)
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil {
			fail(err)
		}
		if (answer.StatusCode == 429 || answer.StatusCode == 503) && tries < 5 {
			seconds, err := strconv.Atoi(answer.Header.Get("Retry-After"))
			if err != nil {
				seconds = 1
			}
			time.Sleep(time.Duration(seconds) * time.Second)
			continue
		}
		// 200: accepted. 202: written, ask at its statusUrl. Anything else names the field and the reason.
		fmt.Println(answer.StatusCode, string(text))
		if answer.StatusCode/100 != 2 {
			os.Exit(1)
		}
		return
	}
}

func randomUUID() string {
	b := make([]byte, 16)
	if _, err := rand.Read(b); err != nil {
		fail(err)
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func fail(reason any) {
	fmt.Fprintln(os.Stderr, reason)
	os.Exit(2)
}
