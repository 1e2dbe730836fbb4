/* directory.h: what an open directory consists of. */
#ifndef LG_DIRECTORY_DIRECTORY_H
#define LG_DIRECTORY_DIRECTORY_H

#include "lightgate/directory.h"

struct lg_directory {
	struct lg_store *store;
	struct lg_directory_ports ports;
	struct lg_hub *hub;
	struct lg_pwd_counts *counts;	/* failed passwords */
};

#endif
