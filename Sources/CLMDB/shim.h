#ifndef SETTLE_CLMDB_SHIM_H
#define SETTLE_CLMDB_SHIM_H
#include <lmdb.h>
#endif
