#include "support.h"

int main(int argc, char **argv)
{
    return actor_main(argc, argv, &support_actor);
}
