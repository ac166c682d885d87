#include "CCloudInitSchema.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char cloud_config_22_4[] = {
#embed "cloud-config-22.4.json"
};

static const unsigned char cloud_config_25_1[] = {
#embed "cloud-config-25.1.json"
};

static const unsigned char cloud_config_26_2[] = {
#embed "cloud-config-26.2.json"
};

static const unsigned char network_config_v1[] = {
#embed "network-config-v1.json"
};

static const unsigned char network_config_v2[] = {
#embed "network-config-v2.json"
};

#define SCHEMA(bytes) ((cloud_init_schema){bytes, sizeof bytes})

cloud_init_schema cloud_config_schema_22_4(void) { return SCHEMA(cloud_config_22_4); }
cloud_init_schema cloud_config_schema_25_1(void) { return SCHEMA(cloud_config_25_1); }
cloud_init_schema cloud_config_schema_26_2(void) { return SCHEMA(cloud_config_26_2); }
cloud_init_schema network_config_schema_v1(void) { return SCHEMA(network_config_v1); }
cloud_init_schema network_config_schema_v2(void) { return SCHEMA(network_config_v2); }
