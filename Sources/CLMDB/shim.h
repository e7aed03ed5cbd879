#ifndef SETTLE_CLMDB_SHIM_H
#define SETTLE_CLMDB_SHIM_H
#include <lmdb.h>
// LMDB allocates two mebibytes for each environment that is written to; how the allocator treats such blocks decides
// what ten thousand databases cost (Allocator.swift).
#if defined(__GLIBC__)
#include <malloc.h>
#endif
#endif
