/* Counts allocations: cc -O2 -shared -fPIC -o malloc_count.so malloc_count.c; LD_PRELOAD=./malloc_count.so Benchmarks */
#include <stddef.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

long malloc_calls;

void *malloc(size_t n) { malloc_calls++; return __libc_malloc(n); }
void *calloc(size_t n, size_t m) { malloc_calls++; return __libc_calloc(n, m); }
void *realloc(void *p, size_t n) { malloc_calls++; return __libc_realloc(p, n); }
void *aligned_alloc(size_t a, size_t n) { malloc_calls++; return __libc_memalign(a, n); }
int posix_memalign(void **p, size_t a, size_t n) { malloc_calls++; *p = __libc_memalign(a, n); return *p ? 0 : 12; }
