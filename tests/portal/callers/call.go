// Answers each case of the file with true or false, one a line.
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"time"
)

type testCase struct {
	Secrets []string
	Headers map[string]string
	Body    []byte
	Host    *string
	Path    string
	Now     int64
}

func main() {
	content, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	var cases []testCase
	if err := json.Unmarshal(content, &cases); err != nil {
		panic(err)
	}
	for _, each := range cases {
		headers := http.Header{}
		for name, value := range each.Headers {
			headers.Set(name, value)
		}
		now := time.Unix(each.Now, 0)
		if each.Host == nil {
			fmt.Println(Verify(each.Secrets, headers, each.Body, now))
		} else {
			fmt.Println(VerifyOriginal(each.Secrets, headers, each.Body, *each.Host, each.Path, now))
		}
	}
}
