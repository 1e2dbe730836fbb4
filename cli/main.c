/* main.c: `lightgate`: people and scripts at the service. */
#include "cli/cli.h"

int
main(int argc, char **argv)
{
	return (int)cli_run(argc, argv, stdout, stderr);
}
