/* The ENTRYPOINT of every function image: starts the bundled interpreter, whatever the user's image did to its environment.

   Static, because the image may have no loader or another C library. Variables that would load the image's libraries
   into our interpreter are renamed to HFAAS_...; the supervisor gives them back to the user's script. */
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define BUNDLE "/opt/hfaas"
#define PREFIX "HFAAS_"

extern char **environ;

static int hidden(const char *variable) {
  static const char *const names[] = {"LD_PRELOAD=", "LD_AUDIT=", "GLIBC_TUNABLES="};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strncmp(variable, names[i], strlen(names[i])) == 0) return 1;
  return 0;
}

static int hide_preloads(void) {
  for (char **variable = environ; *variable; variable++) {
    if (!hidden(*variable)) continue;
    char *renamed = malloc(sizeof PREFIX + strlen(*variable));
    if (!renamed) return -1;
    *variable = strcat(strcpy(renamed, PREFIX), *variable);
  }
  return 0;
}

int main(int argc, char **argv) {
  char **arguments = calloc((size_t)argc + 3, sizeof *arguments);
  if (!arguments || hide_preloads()) return 126;
  arguments[0] = BUNDLE "/bin/python3.11";
  arguments[1] = "-ISB"; /* no user's site, PYTHON* variables or .pyc writing */
  arguments[2] = BUNDLE "/app";
  for (int i = 1; i < argc; i++) arguments[i + 2] = argv[i];
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); /* survives execve: a script's escaped daemons come back to the supervisor */
  execve(arguments[0], arguments, environ);
  return 127;
}
