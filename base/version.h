/* version.h: what the programs say that they are. */
#ifndef LG_BASE_VERSION_H
#define LG_BASE_VERSION_H

#define LG_VERSION "0.1.0"

#endif
