/* The floor of the machine: two processes pass frames of 32 bytes over a unix socketpair, with blocking calls.
   Usage: pingpong SAMPLES WARM_UP CALLS. Prints the median of the samples in microseconds per round trip, as JSON;
   every call here blocks, so that it stands beside both faces of a call. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FRAME = 32, MAX_SAMPLES = 100 };

static int pass(int fd, char *frame) {
  int got = 0;
  while (got < FRAME) {
    ssize_t n = read(fd, frame + got, FRAME - got);
    if (n <= 0) return 0;
    got += (int)n;
  }
  return 1;
}

static void echo_until_closed(int fd) {
  char frame[FRAME];
  while (pass(fd, frame) && write(fd, frame, FRAME) == FRAME) {
  }
}

static double run(int fd, long calls) {
  char frame[FRAME] = {1};
  struct timespec begin, end;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  for (long i = 0; i < calls; i++) {
    if (write(fd, frame, FRAME) != FRAME || !pass(fd, frame)) exit(1);
  }
  clock_gettime(CLOCK_MONOTONIC, &end);
  return ((double)(end.tv_sec - begin.tv_sec) * 1e6 + (double)(end.tv_nsec - begin.tv_nsec) / 1e3) / (double)calls;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  int samples = atoi(argv[1]), pair[2];
  if (samples < 1 || samples > MAX_SAMPLES || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return 1;
  pid_t child = fork();
  if (child < 0) return 1;
  if (child == 0) {
    close(pair[0]);
    echo_until_closed(pair[1]);
    _exit(0);
  }
  close(pair[1]);
  run(pair[0], atol(argv[2]));
  double times[MAX_SAMPLES];
  for (int i = 0; i < samples; i++) times[i] = run(pair[0], atol(argv[3]));
  qsort(times, (size_t)samples, sizeof(double), ascending);
  close(pair[0]);
  waitpid(child, NULL, 0);
  double middle = (times[(samples - 1) / 2] + times[samples / 2]) / 2;
  printf("{\"measures\":{\"dictGet\":%.3f,\"syncGet\":%.3f}}\n", middle, middle);
  return 0;
}
