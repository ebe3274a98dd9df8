#include "crm.h"

int main(int argc, char **argv)
{
    return actor_main(argc, argv, &crm_actor);
}
