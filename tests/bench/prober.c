// The floor for the cost of probing: asks each of COUNT servers over HTTP once a second, evenly spread, with nothing
// around it.
//
//     prober FIRST_PORT COUNT
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int waits;

static void wait_for(int client, unsigned events) {
  struct epoll_event event = {.events = events, .data.fd = client};
  epoll_ctl(waits, EPOLL_CTL_ADD, client, &event);
  epoll_wait(waits, &event, 1, 1000);
}

static void ask(int port) {
  static const char request[] = "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
  const struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_port = htons((unsigned short)port),
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  char answer[4096];
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  connect(client, (const struct sockaddr*)&address, sizeof address);
  if (send(client, request, sizeof request - 1, MSG_NOSIGNAL) > 0) {
    wait_for(client, EPOLLIN);
    if (recv(client, answer, sizeof answer, 0) < 0) exit(1);
  }
  close(client);
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const int first = atoi(argv[1]);
  const int count = atoi(argv[2]);
  waits = epoll_create1(EPOLL_CLOEXEC);
  const struct timespec pause = {0, 1000000000L / count};
  for (int i = 0;; i = (i + 1) % count) {
    ask(first + i);
    nanosleep(&pause, NULL);
  }
}
