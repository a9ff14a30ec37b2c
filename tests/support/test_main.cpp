#define BOOST_TEST_MODULE hale
#include <boost/test/unit_test.hpp>
