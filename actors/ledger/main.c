#include "ledger.h"

int main(int argc, char **argv)
{
    return actor_main(argc, argv, &ledger_actor);
}
