// Real peers that answer before they have read a request, and real clients of them, for test/wire/early-answers.test.ts.
//
//	early serve-http PORT        net/http over HTTP/2 without TLS: answers 200 "ok" at once and reads nothing
//	early serve-grpc PORT        grpc-go: answers each unary call at its head, before the message has come
//	early call-grpc PORT CALLS AT-ONCE BYTES CODE NAME: calls one method of the deployment NAME; prints how many did not end with status CODE
//	early call-http PORT CALLS AT-ONCE BYTES CODE PATH: POSTs so many bytes over HTTP/2; prints how many did not end with status CODE
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"
)

// raw passes messages as they are.
type raw struct{}

func (raw) Marshal(v any) (mem.BufferSlice, error) { return mem.BufferSlice{mem.SliceBuffer(*v.(*[]byte))}, nil }
func (raw) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}
func (raw) Name() string { return "raw" }

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func number(at int) int {
	n, err := strconv.Atoi(os.Args[at])
	check(err)
	return n
}

func plain() *http.Protocols {
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	return &protocols
}

func serveHTTP(listener net.Listener) error {
	server := &http.Server{Protocols: plain(), HTTP2: &http.HTTP2Config{MaxConcurrentStreams: 250}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			w.WriteHeader(200)
			w.(http.Flusher).Flush()
			time.Sleep(5 * time.Second)
			_, _ = io.WriteString(w, "slow")
			return
		}
		_, _ = io.WriteString(w, "ok")
	})}
	return server.Serve(listener)
}

func serveGRPC(listener net.Listener) error {
	encoding.RegisterCodecV2(raw{})
	// A tap refuses a call at its head; PERMISSION_DENIED passes as it is.
	server := grpc.NewServer(grpc.MaxConcurrentStreams(250), grpc.ForceServerCodecV2(raw{}), grpc.InTapHandle(func(ctx context.Context, info *tap.Info) (context.Context, error) {
		return ctx, status.Error(codes.PermissionDenied, "answered at its head")
	}))
	return server.Serve(listener)
}

// spread makes `calls` calls, so many at once, and counts those that fail.
func spread(calls, atOnce int, call func() error) {
	var next, failed atomic.Int64
	var first sync.Once
	var group sync.WaitGroup
	for range atOnce {
		group.Add(1)
		go func() {
			defer group.Done()
			for next.Add(1) <= int64(calls) {
				if err := call(); err != nil {
					failed.Add(1)
					first.Do(func() { fmt.Fprintln(os.Stderr, err) })
				}
			}
		}()
	}
	group.Wait()
	fmt.Println(failed.Load())
}

func callGRPC() {
	body := make([]byte, number(5))
	code := codes.Code(number(6))
	connection, err := grpc.NewClient("127.0.0.1:"+os.Args[2], grpc.WithTransportCredentials(insecure.NewCredentials()))
	check(err)
	defer connection.Close()
	ctx := metadata.AppendToOutgoingContext(context.Background(), "seldon", os.Args[7], "namespace", "prod")
	spread(number(3), number(4), func() error {
		limited, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		var reply []byte
		err := connection.Invoke(limited, "/seldon.protos.Seldon/Predict", &body, &reply, grpc.ForceCodecV2(raw{}))
		if status.Code(err) == code {
			return nil
		}
		return fmt.Errorf("status %v: %v", status.Code(err), err)
	})
}

func callHTTP() {
	body := make([]byte, number(5))
	code := number(6)
	client := &http.Client{Transport: &http.Transport{Protocols: plain()}, Timeout: 20 * time.Second}
	spread(number(3), number(4), func() error {
		response, err := client.Post("http://127.0.0.1:"+os.Args[2]+os.Args[7], "application/octet-stream", bytes.NewReader(body))
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			return err
		}
		if response.StatusCode != code {
			return fmt.Errorf("status %d", response.StatusCode)
		}
		return nil
	})
}

func main() {
	switch os.Args[1] {
	case "serve-http", "serve-grpc":
		listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[2])
		check(err)
		fmt.Println(listener.Addr().(*net.TCPAddr).Port)
		if os.Args[1] == "serve-http" {
			check(serveHTTP(listener))
		} else {
			check(serveGRPC(listener))
		}
	case "call-grpc":
		callGRPC()
	case "call-http":
		callHTTP()
	}
}
