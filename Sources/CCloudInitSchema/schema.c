#include "CCloudInitSchema.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char schema[] = {
#embed "schema-cloud-config-v1.json"
};

const unsigned char *cloud_init_schema(void) { return schema; }
size_t cloud_init_schema_length(void) { return sizeof schema; }
