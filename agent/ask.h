/* ask.h: a question to the agent, for programs that link libc only: they run at every start of a container or machine. */
#ifndef LG_AGENT_ASK_H
#define LG_AGENT_ASK_H

#include <stdbool.h>
#include <stddef.h>

#define LG_ASK_ANSWER	8192		/* octets of an answer, its NUL included */

/* The agent at LIGHTGATE_AGENT_SOCKET says "permit\n<text>" or "deny\n<sentence>": what follows the line end is left in `answer`; false unless it
 * is a permit.  No answer in time is none. */
bool lg_ask_agent(const char *question, size_t n, char answer[LG_ASK_ANSWER]);

#endif
