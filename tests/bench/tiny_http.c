// The smallest HTTP server there is a point in supervising: answers every request with its pid. Statically linked, so
// that starting it costs next to nothing and what is measured is the supervisor.
//
//     tiny_http PORT          on 127.0.0.1
//     tiny_http exit CODE     exits at once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char** argv) {
  if (argc == 3 && strcmp(argv[1], "exit") == 0) return atoi(argv[2]);
  if (argc != 2) return 2;
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((unsigned short)atoi(argv[1])),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(listener, (const struct sockaddr*)&address, sizeof address) != 0 || listen(listener, 64) != 0) return 1;

  char pid[16];
  char answer[128];
  const int pid_size = snprintf(pid, sizeof pid, "%d\n", (int)getpid());
  const int size = snprintf(answer, sizeof answer,
                            "HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s", pid_size, pid);
  for (;;) {
    const int client = accept(listener, NULL, NULL);
    if (client < 0) continue;
    char request[2048];
    if (read(client, request, sizeof request) > 0 && write(client, answer, (size_t)size) < 0) return 1;
    close(client);
  }
}
