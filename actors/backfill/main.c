#include "backfill.h"

int main(int argc, char **argv)
{
    return actor_main(argc, argv, &backfill_actor);
}
