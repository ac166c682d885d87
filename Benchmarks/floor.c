/* The floor of `up`: virDomainDefineXML and virDomainCreate of one description, and nothing else.
 * Usage: floor URI XMLFILE TIMES: prints the milliseconds of define + create each time, destroys and undefines. */
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void *loop(void *unused)
{
    (void)unused;
    for (;;)
        if (virEventRunDefaultImpl() < 0)
            return NULL;
}

static void quiet(void *data, virErrorPtr error)
{
    (void)data;
    (void)error;
}

static int fail(const char *what)
{
    fprintf(stderr, "floor: %s: %s\n", what, virGetLastErrorMessage());
    return 1;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return fprintf(stderr, "usage: floor URI XMLFILE TIMES\n"), 2;
    static char xml[1 << 20];
    FILE *file = fopen(argv[2], "r");
    if (!file)
        return perror(argv[2]), 1;
    xml[fread(xml, 1, sizeof xml - 1, file)] = 0;
    fclose(file);

    virSetErrorFunc(NULL, quiet);
    virEventRegisterDefaultImpl();
    virConnectPtr connection = virConnectOpen(argv[1]);
    if (!connection)
        return fail("open");
    pthread_t thread;
    pthread_create(&thread, NULL, loop, NULL);

    for (int i = 0; i < atoi(argv[3]); i++) {
        double began = now();
        virDomainPtr domain = virDomainDefineXML(connection, xml);
        if (!domain)
            return fail("define");
        if (virDomainCreate(domain) < 0)
            return fail("create");
        printf("%.3f\n", now() - began);
        fflush(stdout);
        virDomainDestroy(domain);
        virDomainUndefineFlags(domain, VIR_DOMAIN_UNDEFINE_NVRAM);
        virDomainFree(domain);
    }
    virConnectClose(connection);
    return 0;
}
