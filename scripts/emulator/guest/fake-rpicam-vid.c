/**
 * SIMULATED rpicam-vid for the emulated device: no camera. It takes the command line of the real one, prints its lines, and
 * writes pictures that the host has put into a shared folder. TEST ONLY: it is in the test overlay, never in an image.
 * Why C: what stands in for /usr/bin/rpicam-vid has to run under the eye's rules, which allow no other program; a static
 * binary needs no library, and starting Node once more takes half a minute in the emulator.
 *
 * The folder /run/lethe-emulator, read again for every picture and never written:
 *   code.gray   what is held before the camera while it is asked for 640 x 480: luma of one picture (307,200 bytes)
 *   scene.yuv   planar YUV420 pictures of 256 x 192, the first one without people
 *   take        a number; when it changes, scene.yuv is played once, otherwise its first picture stands still
 *   rate        pictures per second, where the emulator cannot keep up with what is asked for
 * Unlike the real one it waits for a reader instead of tearing pictures: the truth of a take holds however slow the emulator is.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FOLDER "/run/lethe-emulator/"
#define BYTES_MAX (1536 * 1024)

static volatile sig_atomic_t interrupted;
static unsigned char picture[BYTES_MAX];

static void on_interrupt(int signal_number) {
  (void)signal_number;
  static const char words[] = "Received signal 2\n";
  interrupted = 1;
  if (write(2, words, sizeof words - 1) < 0) return;
}

static double now_s(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/** The bytes of `name` from `offset`; how many there were, 0 when there is no such file. */
static size_t read_part(const char *name, off_t offset, unsigned char *target, size_t bytes) {
  int file = open(name, O_RDONLY | O_CLOEXEC);
  size_t got = 0;
  if (file < 0) return 0;
  while (got < bytes) {
    ssize_t step = pread(file, target + got, bytes - got, offset + (off_t)got);
    if (step <= 0) break;
    got += (size_t)step;
  }
  close(file);
  return got;
}

static double read_number(const char *name, double otherwise) {
  char text[32] = {0};
  if (read_part(name, 0, (unsigned char *)text, sizeof text - 1) == 0) return otherwise;
  return atof(text);
}

static void write_picture(int output, size_t bytes) {
  for (size_t done = 0; done < bytes;) {
    ssize_t step = write(output, picture + done, bytes - done);
    if (step < 0 && errno == EINTR) continue;
    if (step < 0) {
      fprintf(stderr, "Received signal 13\nterminate called after throwing an instance of 'std::runtime_error'\n"
                      "  what():  failed to write output bytes\n");
      abort();
    }
    done += (size_t)step;
  }
}

int main(int count, char **words) {
  int width = 640, height = 480;
  double rate = 30;
  const char *output_name = NULL;
  for (int index = 1; index + 1 < count; index += 1) {
    if (strcmp(words[index], "--width") == 0) width = atoi(words[index + 1]);
    if (strcmp(words[index], "--height") == 0) height = atoi(words[index + 1]);
    if (strcmp(words[index], "--framerate") == 0) rate = atof(words[index + 1]);
    if (strcmp(words[index], "--output") == 0) output_name = words[index + 1];
  }
  size_t luma = (size_t)width * (size_t)height;
  size_t bytes = luma * 3 / 2;
  if (output_name == NULL || width <= 0 || height <= 0 || rate <= 0 || bytes > BYTES_MAX) {
    fprintf(stderr, "ERROR: *** the simulated camera was asked for something strange ***\n");
    return 255;
  }
  signal(SIGPIPE, SIG_IGN);
  struct sigaction action = {.sa_handler = on_interrupt};
  sigaction(SIGINT, &action, NULL);
  fprintf(stderr, "[0:00:10.000000000] [%d]  INFO Camera camera_manager.cpp:330 libcamera v0.7.1 SIMULATED\n", (int)getpid());
  fprintf(stderr, "Stream configuration adjusted\n");
  fprintf(stderr,
          "[0:00:10.500000000] [%d]  INFO Camera camera.cpp:1205 configuring streams: (0) %dx%d-YUV420/sYCC (1) 1536x864-SRGGB10_CSI2P/RAW\n",
          (int)getpid(), width, height);
  int output = open(output_name, O_WRONLY | O_CLOEXEC);
  if (output < 0) {
    fprintf(stderr, "ERROR: *** failed to open output file %s ***\n", output_name);
    return 255;
  }
  /* A camera that starts during a take has missed it: the host starts a take only when somebody counts. */
  double take = read_number(FOLDER "take", 0);
  off_t frame = 0;
  double due_s = now_s();
  while (!interrupted) {
    double wanted_rate = read_number(FOLDER "rate", rate);
    double wait_s = due_s - now_s();
    if (wait_s > 0) usleep((useconds_t)(wait_s * 1e6));
    due_s += 1 / (wanted_rate > 0 && wanted_rate < rate ? wanted_rate : rate);
    if (due_s < now_s()) due_s = now_s();
    memset(picture, 128, bytes);
    if (width == 640) {
      read_part(FOLDER "code.gray", 0, picture, luma);
    } else {
      double wanted = read_number(FOLDER "take", take);
      if (frame == 0 && wanted != take) {
        take = wanted;
        frame = 1;
      }
      if (read_part(FOLDER "scene.yuv", frame * (off_t)bytes, picture, bytes) < bytes && frame > 0) {
        frame = 0;
        read_part(FOLDER "scene.yuv", 0, picture, bytes);
      } else if (frame > 0) {
        frame += 1;
      }
    }
    write_picture(output, bytes);
  }
  return 0;
}
