/* file.h: whole files and directories, the durable way. */
#ifndef LG_BASE_FILE_H
#define LG_BASE_FILE_H

#include <sys/types.h>

#include "lightgate/base.h"

LG_CHECKED lg_err lg_file_read(struct lg_ctx *cx, const char *path, size_t max, lg_str *ret);	/* into cx's arena */
/* Writes a temporary file beside it, fdatasync, rename, fsync of the folder. */
LG_CHECKED lg_err lg_file_write(struct lg_ctx *cx, const char *path, mode_t mode, lg_str data);
/* The same, but a file that is like that already is left alone: four syncs less at every start. */
LG_CHECKED lg_err lg_file_update(struct lg_ctx *cx, const char *path, mode_t mode, lg_str data);
/* As lg_file_write, but waits for no disk: for what means nothing after the next boot. */
LG_CHECKED lg_err lg_file_put(struct lg_ctx *cx, const char *path, mode_t mode, lg_str data);
LG_CHECKED lg_err lg_dir_make(struct lg_ctx *cx, const char *path, mode_t mode);	/* one level; fine if it is there */
LG_CHECKED lg_err lg_dir_make_above(struct lg_ctx *cx, const char *path, mode_t mode);	/* every folder that a file at `path` would lie in */
/* A name is durable only when its folder is (open(2), fsync(2)): after a rename or a creation. */
LG_CHECKED lg_err lg_dir_sync(struct lg_ctx *cx, const char *dir);
LG_CHECKED lg_err lg_dir_sync_of(struct lg_ctx *cx, const char *file);	/* the folder that the file is in */
void lg_fd_close(int *fd);	/* for LG_AUTO; nothing when it is negative */
/* read(2)/write(2) until all is done or failed; EINTR is handled. */
bool lg_read_all(int fd, void *p, size_t n);
bool lg_write_all(int fd, const void *p, size_t n);

#endif
